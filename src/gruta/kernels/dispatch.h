// The kernels of each instruction set, and the choice among them.
#pragma once

#include <cstdint>

#include "gruta/kernels/integers.h"
#include "gruta/kernels/layer.h"
#include "gruta/kernels/matrix.h"

namespace gruta {

// The cells in the order in which the tables hold them.
constexpr const char* kCellNames[] = {"gru", "gru_reset_before", "lstm", "rnn_tanh", "rnn_relu"};
constexpr int kCellCount = 5;

template <class Real>
struct Cells {
    CellKernels<Real> cell[kCellCount];
    DenseKernels<Real> dense;
};

// Weights of 16 bits with states in float32, forward only.
struct SmallCells {
    ForwardKernels<float> cell[kCellCount];
    DenseKernels<float> dense;
};

// Weights of 8 bits, which meet rows that are rounded alike; forward only.
struct IntegerCells {
    ForwardKernels<float> cell[kCellCount];
};

// What the machine can do at most; probe.h says what they measure.
struct Probes {
    std::int64_t (*multiply_add_rounds)(std::int64_t rounds, float* sink);
    std::int64_t (*stream_rounds)(const float* row, const float* weights, std::int64_t K,
                                  std::int64_t panels, std::int64_t rounds, float* sink);
};

struct Kernels {
    const Cells<float>* float32;
    const Cells<double>* float64;
    const SmallCells* float16;
    const SmallCells* bfloat16;
    const IntegerCells* int8;
    Probes probes;

    template <class Real>
    const CellKernels<Real>& of(int cell) const {
        if constexpr (sizeof(Real) == 4) {
            return float32->cell[cell];
        } else {
            return float64->cell[cell];
        }
    }
};

struct Isa {
    const char* name;
    int vector_bytes;
    const Kernels* kernels;
    const IntegerProducts* integers;
    const MatrixProducts* matrix;  // or null
    bool (*runs_here)();
};

// The instruction set that serves this process: the one that GRUTA_ISA names, or the widest that
// the CPU has. Chosen on the first call; std::invalid_argument for a name that cannot serve here.
const Isa& isa();

}  // namespace gruta
