// A call from Python once all of it is read: the interpreter is let go, weights are packed, and the
// kernels of this process's instruction set run.
#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "gruta/kernels/call.h"
#include "gruta/kernels/dispatch.h"
#include "gruta/kernels/packs.h"

namespace gruta {

// All of [T, B, width] is about to be written.
template <class Real>
void expect_writes(const Shape& shape, const View<Real>& view, std::int64_t width) {
    const std::int64_t last = (shape.T - 1) * view.step + (shape.B - 1) * view.row + width;
    if (view.data == nullptr || shape.T == 0 || shape.B == 0) return;
    prefer_large_pages(view.data, static_cast<std::size_t>(last) * sizeof(Real));
}

// An entry of `weights` and `calls` a direction. cell: by its place in kCellNames. keep: the packed
// weights, for a next call with the same ones.
template <class Real>
void compute_forward(int cell, const Shape& shape, const std::vector<Weights<Real>>& weights,
                     const std::vector<Forward<Real>>& calls, int threads, bool keep) {
    const CellKernels<Real>& kernels = isa().kernels->of<Real>(cell);
    const nanobind::gil_scoped_release unlocked;
    for (const Forward<Real>& call : calls) {
        expect_writes(shape, call.h, shape.P);
        const std::int64_t saved = call.gates == nullptr ? 0 : kernels.saved_size(shape);
        expect_writes(shape, View<Real>{call.gates, shape.B * saved, saved}, saved);
    }
    std::vector<std::shared_ptr<const Memory>> kept;
    std::vector<Lent> lent;
    std::vector<const void*> packed;
    for (const Weights<Real>& one : weights) {
        if (keep) {
            kept.push_back(kept_pack(kernels.forward, shape, one, kernels.gates));
            packed.push_back(kept.back()->data());
        } else {
            lent.push_back(pack<Lent>(kernels.forward, shape, one));
            packed.push_back(lent.back().data());
        }
    }
    run_forward(kernels.forward, shape, packed, calls,
                plan(shape, kernels.gates, static_cast<int>(calls.size()), threads));
}

template <class Real>
void compute_backward(int cell, const Shape& shape, const std::vector<Weights<Real>>& weights,
                      const std::vector<Backward<Real>>& calls, int threads) {
    const CellKernels<Real>& kernels = isa().kernels->of<Real>(cell);
    const nanobind::gil_scoped_release unlocked;
    for (const Backward<Real>& call : calls) expect_writes(shape, call.dx, shape.I);
    std::vector<Lent> lent;
    std::vector<const void*> packed;
    for (const Weights<Real>& one : weights) {
        lent.push_back(pack<Lent>(kernels.backward, shape, one));
        packed.push_back(lent.back().data());
    }
    run_backward(kernels.backward, shape, packed, calls,
                 plan(shape, kernels.gates, static_cast<int>(calls.size()), threads));
}

}  // namespace gruta
