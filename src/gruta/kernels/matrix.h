// Products on the CPU's matrix unit, where it has one: rows in bfloat16 with weights in bfloat16,
// summed in float32. The one part of an instruction set that only weights of 16 bits use.
#pragma once

#include <cstdint>

namespace gruta {

constexpr std::int64_t kMatrixLanes = 16;  // units of a panel
constexpr std::int64_t kMatrixDepth = 32;  // k's that the unit takes in at once
constexpr int kMatrixRows = 16;            // at most

// K numbers in each row, zeros behind them up to a whole kMatrixDepth, and packed weights of some
// panels, [word][G][lane][2], two k's to a word.
struct MatrixTerm {
    const void* rows;
    std::int64_t row_bytes;
    const void* weights;
    std::int64_t panel_bytes, K;
};

// The sums of some rows in some panels, as `Product` in gemm.h has them. All of a sum's products
// are taken in the order of k, whatever rows stand beside it: kMatrixDepth at a time, those of even
// k and of odd k each in one chain from 0, and the two chains' sum is added to what stands there.
struct MatrixTile {
    int rows, panels;
    const float* start;  // [G][lane], and so many numbers on for each:
    std::int64_t start_row, start_panel;
    int count;  // of the terms
    MatrixTerm terms[2];
    float* aside;        // [panel][row][lane], or null
    const float* apart;  // [panel][lane]
    float* found;        // [G][panel][row][lane]
};

struct MatrixProducts {
    void (*of_gates[4])(const MatrixTile&);  // of 1, 2, 3 and 4 gates
    void (*release)();                       // after the last one: the thread gives the unit back
};

// Those of the instruction set that serves this process, or null; the first use decides.
extern const MatrixProducts* matrix_products;

}  // namespace gruta
