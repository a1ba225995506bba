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

// A matrix's rows, as many as a panel has units, times a vector, and a bias or null.
template <class Real>
struct RowTerm {
    const Real* rows;
    Index K;
    const Real* v;
    const Real* bias;
};

// The sum of the terms. Compiled once: it is called for each gate of each cell.
template <class Real>
[[gnu::noinline]] void sum_terms(const RowTerm<Real>* terms, int count, Index width,
                                 Vec<Real>* sum) {
    Vec<Real> sums[kLanes<Real>] = {}, bias = {};
    for (int i = 0; i < count; ++i) {
        add_dots(terms[i].rows, width, terms[i].K, terms[i].v, sums);
        if (terms[i].bias != nullptr) bias += load(terms[i].bias, width);
    }
    *sum = lane_sums<Real>(sums) + bias;
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
    void input(int gate, Vec<Real>* sum) const {
        const RowTerm<Real> term = of_input(gate);
        sum_terms(&term, 1, width, sum);
    }
    // W_hh h + b_hh.
    void hidden(int gate, Vec<Real>* sum) const {
        const RowTerm<Real> term = of_hidden(gate);
        sum_terms(&term, 1, width, sum);
    }
    // Their sum.
    void both(int gate, Vec<Real>* sum) const {
        const RowTerm<Real> terms[] = {of_input(gate), of_hidden(gate)};
        sum_terms(terms, 2, width, sum);
    }

  private:
    RowTerm<Real> of_input(int gate) const {
        return term(weights.w_ih, gate, shape.I, x, weights.b_ih);
    }
    RowTerm<Real> of_hidden(int gate) const {
        return term(weights.w_hh, gate, shape.H, before[0], weights.b_hh);
    }
    RowTerm<Real> term(const Real* matrix, int gate, Index K, const Real* v,
                       const Real* bias) const {
        const Index row = gate * shape.H + first;
        return {matrix + row * K, K, v, bias == nullptr ? nullptr : bias + row};
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
