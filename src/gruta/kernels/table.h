// Compiles every cell's kernels for the instruction set of the file that includes this one.
#pragma once

#include "gruta/cells/gru/forward.h"
#include "gruta/kernels/dispatch.h"

namespace gruta::GRUTA_ISA {

extern const Kernels kernels;
const Kernels kernels = {gru::kernels<float>, gru::kernels<double>};

}  // namespace gruta::GRUTA_ISA
