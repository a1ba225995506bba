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

// A caller knows no form: each function is the one of its cell.
template <class Cell, class Weight, class Real = typename RealOf<Weight>::Real>
struct ForwardOf {
    static Packed<Real> cut(const Shape& shape, const void* packed) {
        return cut_packed(Cell::form, shape, storage<Weight>(), packed);
    }
    static std::size_t packed_bytes(const Shape& shape) { return cut(shape, nullptr).bytes; }
    static void pack(const Shape& shape, const Weights<Real>& weights, void* packed) {
        pack_forward(Cell::form, shape, weights, cut(shape, packed));
    }
    static std::size_t scratch_bytes(const Shape& shape, const Team& team) {
        return forward_scratch_bytes<Real>(Cell::form, shape, team);
    }
    static void run(const Shape& shape, const void* packed, const Forward<Real>& pass,
                    void* scratch, Team& team) {
        forward<Cell>(shape, cut(shape, packed), pass, scratch, team);
    }
    static constexpr ForwardKernels<Real> kernels = {packed_bytes, pack, scratch_bytes, run};
};

template <class Cell, class Real>
struct BackwardOf {
    static std::size_t packed_bytes(const Shape& shape) {
        return packed_back_bytes<Real>(Cell::form, shape);
    }
    static void pack(const Shape& shape, const Weights<Real>& weights, void* packed) {
        pack_backward(Cell::form, shape, weights, packed);
    }
    static std::size_t scratch_bytes(const Shape& shape, const Team& team) {
        return back_scratch_bytes<Real>(Cell::form, shape, team);
    }
    static constexpr BackwardKernels<Real> kernels = {packed_bytes, pack, scratch_bytes,
                                                      backward<Cell, Real>};
};

template <class Cell, class Real>
constexpr CellKernels<Real> cell_kernels() {
    return {Cell::form.gates, Cell::form.states, Cell::form.saved, ForwardOf<Cell, Real>::kernels,
            BackwardOf<Cell, Real>::kernels};
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
    return {{ForwardOf<Gru<true>, Weight>::kernels, ForwardOf<Gru<false>, Weight>::kernels,
             ForwardOf<Lstm, Weight>::kernels, ForwardOf<Rnn<true>, Weight>::kernels,
             ForwardOf<Rnn<false>, Weight>::kernels}};
}

}  // namespace gruta::GRUTA_ISA
