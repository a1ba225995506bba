// The cells once more, as plain loops over single numbers in float64, written from the equations of
// the READMEs alone.
#pragma once

#include "gruta/kernels/checks/problem.h"

namespace gruta::checks {

// Dense arrays of the shapes that layer.h gives.
struct Trace {
    Numbers h, final[kMostStates], gates;
    // The states that each step started from, after a reset; [T, B, ·].
    Numbers before[kMostStates];
    // What the step made of them, before holding: n or m; [T, B, H].
    Numbers made;
};

struct Gradients {
    Numbers dx, d_initial[kMostStates], d_restart[kMostStates];
    Numbers dw_ih, dw_hh, db_ih, db_hh, dw_hr, d_norm[kNormParts], through[kMostStates];
};

Trace forward(const Problem& problem, const Inputs& in);

Gradients backward(const Problem& problem, const Inputs& in, const Trace& trace);

}  // namespace gruta::checks
