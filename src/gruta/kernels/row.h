// One step of one row, with the weights as they lie: nothing is packed or kept, and each weight is
// read once. For calls that hand over weights that may have changed since the last.
//
// A sum here runs over k in as many parts as a vector has lanes, so that its last digits differ
// from those of the other kernels.
#pragma once

#include "gruta/kernels/activations.h"
#include "gruta/kernels/pack.h"

namespace gruta::GRUTA_ISA {

// Adds to sums[i] the products of row i, of `width` rows that are K long, with v, lane by lane.
template <class Real>
[[gnu::always_inline]] inline void add_dots(const Real* rows, Index width, Index K, const Real* v,
                                            Vec<Real> (&sums)[kLanes<Real>]) {
    constexpr Index W = kLanes<Real>;
    Index k = 0;
    if (width == W) {
        for (; k + W <= K; k += W) {
            const Vec<Real> part = load(v + k);
            unrolled<W>([&](int i) {
                sums[i] = multiply_add<Real>(load(rows + i * K + k), part, sums[i]);
            });
        }
    }
    for (; k < K; k += W) {
        const Index count = K - k < W ? K - k : W;
        const Vec<Real> part = load(v + k, count);
        unrolled<W>([&](int i) {
            if (i < width) {
                sums[i] = multiply_add<Real>(load(rows + i * K + k, count), part, sums[i]);
            }
        });
    }
}

// The sum of the lanes of each vector, that of the i-th in lane i: rows and lanes trade places one
// bit of their numbers at a time, and what has met is added.
template <class Real, int bit = 1>
[[gnu::always_inline]] inline Vec<Real> lane_sums(Vec<Real> (&of)[kLanes<Real>]) {
    constexpr int W = kLanes<Real>;
    if constexpr (bit < W) {
        unrolled<W>([&](int i) {
            if (i & (2 * bit - 1)) return;
            trade<Real, bit>(of[i], of[i | bit], std::make_integer_sequence<int, W>());
            of[i] += of[i | bit];
        });
        return lane_sums<Real, 2 * bit>(of);
    } else {
        return of[0];
    }
}

// A step's inputs, and the gates' sums of a panel of units.
template <class Real>
struct RowStep {
    const Shape& shape;
    const Weights<Real>& weights;
    const Real* x;              // [I]
    const Real* const* before;  // h [H] and, in the LSTM, c [H]
    Real* const* after;         // the same after the step, elsewhere in memory
    Index first, width;         // of the panel's units

    [[gnu::always_inline]] Vec<Real> state(int which) const {
        return load(before[which] + first, width);
    }
    [[gnu::always_inline]] void keep(int which, Vec<Real> value) const {
        store(after[which] + first, value, width);
    }

    // W_ih x + b_ih.
    [[gnu::always_inline]] Vec<Real> input(int gate) const {
        Vec<Real> sums[kLanes<Real>] = {};
        add_dots(row(weights.w_ih, gate, shape.I), width, shape.I, x, sums);
        return lane_sums<Real>(sums) + bias(weights.b_ih, gate);
    }
    // W_hh h + b_hh.
    [[gnu::always_inline]] Vec<Real> hidden(int gate) const {
        Vec<Real> sums[kLanes<Real>] = {};
        add_dots(row(weights.w_hh, gate, shape.H), width, shape.H, before[0], sums);
        return lane_sums<Real>(sums) + bias(weights.b_hh, gate);
    }
    // Their sum.
    [[gnu::always_inline]] Vec<Real> both(int gate) const {
        Vec<Real> sums[kLanes<Real>] = {};
        add_dots(row(weights.w_ih, gate, shape.I), width, shape.I, x, sums);
        add_dots(row(weights.w_hh, gate, shape.H), width, shape.H, before[0], sums);
        return lane_sums<Real>(sums) + (bias(weights.b_ih, gate) + bias(weights.b_hh, gate));
    }

  private:
    const Real* row(const Real* matrix, int gate, Index K) const {
        return matrix + (gate * shape.H + first) * K;
    }
    [[gnu::always_inline]] Vec<Real> bias(const Real* from, int gate) const {
        return from == nullptr ? Vec<Real>{} : load(from + gate * shape.H + first, width);
    }
};

template <class Cell, class Real>
void step_row(const Shape& shape, const Weights<Real>& weights, const Real* x,
              const Real* const* before, Real* const* after) {
    for (Index panel = 0; panel < panel_count<Real>(shape.H); ++panel) {
        const Index first = panel * kLanes<Real>, width = panel_width<Real>(shape.H, panel);
        Cell::step_row(RowStep<Real>{shape, weights, x, before, after, first, width});
    }
}

// The kernel of a cell that has such a step, else null.
template <class Cell, class Real>
constexpr StepRow<Real> row_kernel() {
    if constexpr (requires(const RowStep<Real>& s) { Cell::step_row(s); }) {
        return step_row<Cell, Real>;
    } else {
        return nullptr;
    }
}

}  // namespace gruta::GRUTA_ISA
