// The kernels of every cell, for the files in isa/ to compile.
#pragma once

#include "gruta/cells/gru/kernel.h"
#include "gruta/cells/lstm/kernel.h"
#include "gruta/cells/rnn/kernel.h"
#include "gruta/kernels/dispatch.h"

namespace gruta::GRUTA_ISA {

// Constants, each in a file of its own: nothing runs before dispatch.cpp has asked for the CPU.
extern const Cells<float> float32_cells;
extern const Cells<double> float64_cells;
extern const SmallCells float16_cells, bfloat16_cells;

template <class Cell, class Weight>
std::size_t packed_bytes(const Shape& shape) {
    return cut_packed<Cell>(shape, storage<Weight>(), nullptr).bytes;
}

template <class Cell, class Weight, class Real>
void pack_weights(const Shape& shape, const Weights<Real>& weights, void* packed) {
    pack_forward<Cell>(shape, weights, cut_packed<Cell>(shape, storage<Weight>(), packed));
}

template <class Cell, class Weight, class Real>
void run_forward(const Shape& shape, const void* packed, const Forward<Real>& pass, void* scratch,
                 Team& team) {
    forward<Cell>(shape, cut_packed<Cell>(shape, storage<Weight>(), packed), pass, scratch, team);
}

template <class Cell, class Weight, class Real = typename RealOf<Weight>::Real>
constexpr ForwardKernels<Real> forward_kernels() {
    return {packed_bytes<Cell, Weight>, pack_weights<Cell, Weight, Real>,
            forward_scratch_bytes<Cell, Real>, run_forward<Cell, Weight, Real>};
}

template <class Cell, class Real>
constexpr CellKernels<Real> cell_kernels() {
    return {Cell::gates,
            Cell::states,
            Cell::saved,
            forward_kernels<Cell, Real>(),
            {packed_back_bytes<Cell, Real>, pack_backward<Cell, Real>,
             back_scratch_bytes<Cell, Real>, backward<Cell, Real>}};
}

// In the order of kCellNames.
template <class Real>
constexpr Cells<Real> all_cells() {
    return {{cell_kernels<Gru<true>, Real>(), cell_kernels<Gru<false>, Real>(),
             cell_kernels<Lstm, Real>(), cell_kernels<Rnn<true>, Real>(),
             cell_kernels<Rnn<false>, Real>()}};
}

template <class Weight>
constexpr SmallCells small_cells() {
    return {{forward_kernels<Gru<true>, Weight>(), forward_kernels<Gru<false>, Weight>(),
             forward_kernels<Lstm, Weight>(), forward_kernels<Rnn<true>, Weight>(),
             forward_kernels<Rnn<false>, Weight>()}};
}

}  // namespace gruta::GRUTA_ISA
