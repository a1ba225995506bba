// Compiles every cell's kernels for the instruction set of the file that includes this one.
#pragma once

#include "gruta/cells/gru/kernel.h"
#include "gruta/cells/lstm/kernel.h"
#include "gruta/cells/rnn/kernel.h"
#include "gruta/kernels/dispatch.h"
#include "gruta/kernels/probe.h"

namespace gruta::GRUTA_ISA {

template <class Cell, class Real, class Weight>
constexpr ForwardKernels<Real> forward_kernels() {
    return {packed_bytes<Cell, Real, Weight>, pack_forward<Cell, Real, Weight>,
            forward_scratch_bytes<Cell, Real>, forward<Cell, Real, Weight>};
}

template <class Cell, class Real>
constexpr CellKernels<Real> cell_kernels() {
    return {Cell::gates,
            Cell::states,
            Cell::saved,
            forward_kernels<Cell, Real, Real>(),
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
    return {{forward_kernels<Gru<true>, float, Weight>(),
             forward_kernels<Gru<false>, float, Weight>(), forward_kernels<Lstm, float, Weight>(),
             forward_kernels<Rnn<true>, float, Weight>(),
             forward_kernels<Rnn<false>, float, Weight>()}};
}

extern const Kernels kernels;
const Kernels kernels = {all_cells<float>(),
                         all_cells<double>(),
                         small_cells<Half>(),
                         small_cells<Bfloat16>(),
                         {multiply_add_rounds, stream_rounds}};

}  // namespace gruta::GRUTA_ISA
