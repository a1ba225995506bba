// The kernels of every cell, compiled for several instruction sets; one of them serves a process.
#pragma once

#include "gruta/cells/gru/kernel.h"

namespace gruta {

struct Kernels {
    gru::Kernels<float> gru_float;
    gru::Kernels<double> gru_double;

    template <class Real>
    const gru::Kernels<Real>& gru() const {
        if constexpr (sizeof(Real) == sizeof(float)) {
            return gru_float;
        } else {
            return gru_double;
        }
    }
};

struct Isa {
    const char* name;
    const Kernels* kernels;
    bool (*runs_here)();
};

// The widest set that this CPU has, or the one that the environment variable GRUTA_ISA names;
// chosen on the first call. Throws std::invalid_argument for a name that is unknown or that the CPU
// lacks.
const Isa& isa();

}  // namespace gruta
