// The kernels of every cell, for the files in isa/ to compile.
#pragma once

#include "gruta/cells/gru/kernel.h"
#include "gruta/cells/lstm/kernel.h"
#include "gruta/cells/rnn/kernel.h"
#include "gruta/kernels/dense.h"
#include "gruta/kernels/dispatch.h"
#include "gruta/kernels/matrix.h"
#include "gruta/kernels/row.h"

namespace gruta::GRUTA_ISA {

// Constants, each in a file of its own: nothing runs before dispatch.cpp has asked for the CPU.
extern const Cells<float> float32_cells;
extern const Cells<double> float64_cells;
extern const SmallCells float16_cells, bfloat16_cells;
extern const IntegerCells int8_cells;

// A caller knows no form: each function is the one of its cell.
template <class Cell, class Weight, class Real = typename RealOf<Weight>::Real>
struct ForwardOf {
    static Packed<Real> cut(const Shape& shape, const void* packed) {
        return cut_packed(Cell::form, shape, layer_storage<Weight>(), packed);
    }
    static std::size_t packed_bytes(const Shape& shape) { return cut(shape, nullptr).bytes; }
    static void pack(const Shape& shape, const Weights<Real>& weights, void* packed) {
        pack_forward(Cell::form, shape, weights, cut(shape, packed));
    }
    static std::size_t scratch_bytes(const Shape& shape, const Team& team) {
        return forward_scratch_bytes<Real>(Cell::form, layer_storage<Weight>(), shape, team);
    }
    static void run(const Shape& shape, const void* packed, const Forward<Real>& pass,
                    void* scratch, Team& team) {
        forward<Cell>(shape, cut(shape, packed), pass, scratch, team);
        end_products();
    }
    static std::size_t projected_bytes(const Shape& shape) {
        const Index width = Cell::form.gates * GRUTA_VECTOR_BYTES;
        return static_cast<std::size_t>(panel_count<Real>(shape.H) * width);
    }
    static void project(const Shape& shape, const void* packed, const Real* x, Real* projected,
                        void* scratch) {
        const Storage<Real>& stored = layer_storage<Weight>();
        Rows<Real> rows = {nullptr, x, shape.I};
        if (stored.rounding != nullptr) {
            rows = {nullptr, static_cast<const Real*>(scratch), stored.rounded(shape.I)};
            for (Index b = 0; b < shape.B; ++b) {
                stored.rounding->round(x + b * shape.I, shape.I,
                                       static_cast<Real*>(scratch) + b * rows.stride);
            }
        }
        gruta::GRUTA_ISA::project<Cell::form.gates>(Cell::form, shape,
                                                    {0, panel_count<Real>(shape.H)},
                                                    cut(shape, packed), rows, shape.B, projected);
        end_products();
    }
    // What this thread's products took of the CPU is given back.
    static void end_products() {
        if constexpr (std::is_same_v<Weight, Bfloat16>) {
            if (matrix_products != nullptr) matrix_products->release();
        }
    }
    static constexpr ForwardKernels<Real> kernels = {packed_bytes,    pack,   scratch_bytes, run,
                                                     projected_bytes, project};
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
std::int64_t saved_of(const Shape& shape) {
    return saved_size<Real>(Cell::form, shape);
}

template <class... Cell>
struct CellList {
    static_assert(sizeof...(Cell) == kCellCount, "name every cell of dispatch.h");

    template <class Real>
    static constexpr Cells<Real> all = {
        {{Cell::form.gates, Cell::form.states, Cell::form.saved, saved_of<Cell, Real>,
          ForwardOf<Cell, Real>::kernels, BackwardOf<Cell, Real>::kernels,
          row_kernel<Cell, Real>()}...},
        DenseOf<Real>::kernels};

    static constexpr IntegerCells integers = {{ForwardOf<Cell, Int8>::kernels...}};

    template <class Weight>
    static constexpr SmallCells small = {{ForwardOf<Cell, Weight>::kernels...},
                                         DenseOf<Weight>::kernels};
};

// In the order of kCellNames.
using AllCells = CellList<Gru<true>, Gru<false>, Lstm, Rnn<true>, Rnn<false>>;

}  // namespace gruta::GRUTA_ISA
