// What a step's products come to before the activations: the sums of the gates, normalised where
// the layer is.
//
// A norm needs all of a row. So the products of all rows are finished first, and then taken in once
// more row by row, some panels at a time, in the same order whatever the batch and the threads.
#pragma once

#include "gruta/kernels/forward.h"

namespace gruta::GRUTA_ISA {

constexpr Index kNormedPanels = 4;

// The products of one row's gates, as read in some panels.
template <class Cell, class Real>
struct NormedRow {
    static constexpr Index W = kLanes<Real>, width = Cell::form.gates * W;

    const Packed<Real>& packed;
    const Real *x, *h, *scale_x, *scale_h;
    Coded *coded_x, *coded_h;  // where the products are to be coded, or null

    [[gnu::always_inline]] const Real* gain(Index panel, int g) const {
        return packed.gains + (panel * width + g * W) * 2;
    }
    // gain ⊙ p̂ + start, of the side of x and of that of h.
    [[gnu::always_inline]] Vec<Real> from_x(Index panel, int g, Vec<Real> start) const {
        const Vec<Real> p = products(x, coded_x, panel * width + g * W) * splat(scale_x[g]);
        return multiply_add<Real>(p, load(gain(panel, g)), start);
    }
    [[gnu::always_inline]] Vec<Real> from_h(Index panel, int g, Vec<Real> start) const {
        const Vec<Real> p = products(h, coded_h, panel * width + g * W) * splat(scale_h[g]);
        return multiply_add<Real>(p, load(gain(panel, g) + W), start);
    }
    [[gnu::always_inline]] static Vec<Real> products(const Real* side, Coded* to, Index at) {
        const Vec<Real> found = load(side + at);
        if constexpr (sizeof(Real) == sizeof(float)) {
            if (to != nullptr) store_code<Code::number>(to + at, found, W);
        }
        return found;
    }
    [[gnu::always_inline]] Vec<Real> bias(Index panel, int g) const {
        return load(packed.bias + panel * width + g * W);
    }
    [[gnu::always_inline]] Vec<Real> bias_apart(Index panel) const {
        return load(packed.b_apart + panel * W);
    }
};

// Sets the products of N gates, from the place `first` on, to those of `product` for the step's
// rows, and then f(row, NormedRow) for each of them. 1/σ of a few rows is found at once: it takes
// long for one, and is waited for.
template <class Cell, int N, class Real, class F>
[[gnu::always_inline]] inline void each_normed_row(const Step<Real>& s, int first,
                                                   const Product<Real>& product, const F& f) {
    constexpr Index W = kLanes<Real>, width = Cell::form.gates * W, at_once = 4;
    const Record<Real>* const records = s.scratch.records;
    multiply_to<N>(s.packed.storage, s.range, s.part.units, product, width,
                   [&](Index i) { return records[i].h + first * W; });
    wait_for_units(s.team);
    const Index panels = panel_count<Real>(s.shape.H);
    const Real share = share_of_mean<Real>(s.shape);
    Real scales[at_once][kMostGates];
    for (Index some = s.range.first; some < s.range.end; some += at_once) {
        const Index end = some + at_once < s.range.end ? some + at_once : s.range.end;
        for (Index i = some; i < end; ++i) {
            Real* const found = scales[i - some] + first;
            find_scales<N>(records[i].h + first * W, width, panels, share, found);
            if (records[i].scales != nullptr && saves(s.team)) {
                copy(records[i].scales + kMostGates + first, found, N);
            }
        }
        for (Index i = some; i < end; ++i) {
            Real* const gates = s.row(i).gates;
            Coded *coded_x = nullptr, *coded_h = nullptr;
            if (is_halved<Real>(s.shape) && gates != nullptr) {
                const auto saved = Record<Real>::of(Cell::form, s.shape, gates);
                coded_x = coded(saved.x);
                coded_h = coded(saved.h);
            }
            f(i, NormedRow<Cell, Real>{s.packed, records[i].x, records[i].h,
                                       s.scratch.scale_x + i * kMostGates, scales[i - some],
                                       coded_x, coded_h});
        }
    }
}

// f(tile) for the panels of a row, some at a time.
template <class F>
[[gnu::always_inline]] inline void each_few_panels(Index row, Range panels, const F& f) {
    for (Index panel = panels.first; panel < panels.end; panel += kNormedPanels) {
        const Index left = panels.end - panel;
        f(Tile{row, panel, 1, left < kNormedPanels ? left : kNormedPanels});
    }
}

// use(tile, sums) with the sums [G][item] of the gates whose product reads h, and in `aside` what x
// adds to the one that keeps b_hh apart.
template <class Cell, class Real, class Use>
[[gnu::always_inline]] inline void gate_sums(const Step<Real>& s, const Use& use) {
    constexpr int G = Cell::form.first, apart = Cell::form.apart;
    if (!s.shape.normed)
        return multiply<G>(s.packed.storage, s.range, s.part.units, s.product, use);
    Vec<Real> sums[G * kNormedPanels];
    each_normed_row<Cell, G>(s, 0, s.product, [&](Index i, const NormedRow<Cell, Real>& row) {
        each_few_panels(i, s.part.units, [&](const Tile& tile) {
            for (Index item = 0; item < tile.panels; ++item) {
                const Index panel = tile.panel + item;
                unrolled<G>([&](int g) __attribute__((always_inline)) {
                    const Vec<Real> x = row.from_x(panel, g, row.bias(panel, g));
                    const Vec<Real> start = g == apart ? row.bias_apart(panel) : x;
                    if (g == apart) s.aside[item] = x;
                    sums[g * tile.panels + item] = row.from_h(panel, g, start);
                });
            }
            use(tile, sums);
        });
    });
}

// The same of the candidate's own product, whose sums begin at its b_hh.
template <class Cell, class Real, class Use>
[[gnu::always_inline]] inline void candidate_sums(const Step<Real>& s, const Use& use) {
    constexpr Index W = kLanes<Real>;
    constexpr int g = Cell::form.gates - 1;
    const Term<Real> term = s.packed.term(s.shape.H, 1, s.packed.second, s.scratch.between_rows);
    wait_for_units(s.team);
    round_between(s.packed.storage, s.shape, s.range, s.scratch);
    if (!s.shape.normed) {
        const Product<Real> product = {{s.packed.b_apart, 0, W}, 1, {term}};
        return multiply<1>(s.packed.storage, s.range, s.part.units, product,
                           [&](const Tile& tile, Vec<Real>* sums) {
                               by_size<1>(tile, [&](const auto& sized) {
                                   sized.each([&](Index item, Index i, Index panel) {
                                       s.aside[item] =
                                           load(s.projected(i, panel, Cell::form.gates) + g * W);
                                   });
                               });
                               use(tile, sums);
                           });
    }
    Vec<Real> sums[kNormedPanels];
    each_normed_row<Cell, 1>(s, g, from_zero(term), [&](Index i, const NormedRow<Cell, Real>& row) {
        each_few_panels(i, s.part.units, [&](const Tile& tile) {
            for (Index item = 0; item < tile.panels; ++item) {
                const Index panel = tile.panel + item;
                s.aside[item] = row.from_x(panel, g, row.bias(panel, g));
                sums[item] = row.from_h(panel, g, row.bias_apart(panel));
            }
            use(tile, sums);
        });
    });
}

}  // namespace gruta::GRUTA_ISA
