// The way back through a layer norm. With e = gain ⊙ d for d = ∂L/∂LN(p), and p̂ = p / σ for
// products p whose mean is 0,
//
//     ∂L/∂p = e / σ − a p        a = mean (e ⊙ p) / σ³
//
// up to its mean, which meets weights that are centred, and which `centre_sums` takes off their
// gradients. The side of h is needed at once, before the step before; that of x, and what sums over
// steps, when the block is done.
#pragma once

#include "gruta/kernels/step_back.h"

namespace gruta::GRUTA_ISA {

// Sets `dp` of N gates, from a place in the panel on, for the step's rows, and what the side of x
// will need.
template <class Cell, int N, class Real>
[[gnu::always_inline]] inline void back_through_norm(const StepBack<Real>& s, int first) {
    if (!s.shape.normed) return;
    constexpr const CellForm& cell = Cell::form;
    constexpr Index W = kLanes<Real>, width = cell.gates * W, slots = cell.slots * W;
    const Index panels = panel_count<Real>(s.shape.H), rows = s.scratch.rows;
    const Range units = s.part.units;
    const Real share = share_of_mean<Real>(s.shape);
    const Real* const gains = s.packed.gains;
    const bool saving = saves(s.team);
    wait_for_units(s.team);
    for (Index i = s.range.first; i < s.range.end; ++i) {
        const Record<Real> record = Record<Real>::of(cell, s.shape, s.row(i).gates);
        const Real *const p_x = record.x, *const p_h = record.h, *const da = s.da(i, 0, 0);
        Vec<Real> along_x[N] = {}, along_h[N] = {};
        for (Index panel = 0; panel < panels; ++panel) {
            unrolled<N>([&](int k) __attribute__((always_inline)) {
                const int place = first + k, gate = cell.order.at[place];
                const Index at = panel * width + place * W;
                const Real* const d = da + panel * rows * slots;
                const Vec<Real> e_x = load(d + cell.input_slot[gate] * W) * load(gains + 2 * at);
                const Vec<Real> e_h = load(d + cell.bias_slot[gate] * W) * load(gains + 2 * at + W);
                along_x[k] = multiply_add<Real>(e_x, load_products(s.shape, p_x, at), along_x[k]);
                along_h[k] = multiply_add<Real>(e_h, load_products(s.shape, p_h, at), along_h[k]);
            });
        }
        Vec<Real> scale[N], along[N];
        Real* const along_of_row = s.scratch.along + i * kMostGates;
        unrolled<N>([&](int k) __attribute__((always_inline)) {
            const Real x = record.scales[first + k], h = record.scales[kMostGates + first + k];
            const Real total_x = lane_total<Real>(along_x[k])[0] * share;
            const Real total_h = lane_total<Real>(along_h[k])[0] * share;
            along[k] = splat(-(total_h * h * h * h));
            scale[k] = splat(h);
            if (saving) along_of_row[first + k] = total_x * x * x * x;
        });
        Real* const dp = s.scratch.dp + i * width;
        for (Index panel = units.first; panel < units.end; ++panel) {
            unrolled<N>([&](int k) __attribute__((always_inline)) {
                const int place = first + k, gate = cell.order.at[place];
                const Index at = panel * width + place * W;
                const Vec<Real> d = load(da + panel * rows * slots + cell.bias_slot[gate] * W);
                const Vec<Real> e = d * load(gains + 2 * at + W) * scale[k];
                store(dp + panel * rows * width + gate * W,
                      multiply_add<Real>(along[k], load_products(s.shape, p_h, at), e));
            });
        }
    }
}

// Of R rows from `first` on, in some panels: the sums for biases and gains, and ∂L/∂(W_ih x) in
// place of what it is made of.
template <class Cell, int R, class Real>
void finish_rows(const Shape& shape, const PackedBack<Real>& packed,
                 const BackScratch<Real>& scratch, Range panels, Index first) {
    constexpr const CellForm& cell = Cell::form;
    constexpr Index W = kLanes<Real>, width = cell.gates * W;
    const Real *const gains = packed.gains, *const along = scratch.along + first * kMostGates;
    Real* const d_gains = scratch.d_gains;
    Record<Real> records[R];
    for (int r = 0; r < R; ++r) {
        records[r] = Record<Real>::of(cell, shape, scratch.block.rows[first + r].gates);
    }
    for (Index panel = panels.first; panel < panels.end; ++panel) {
        Real* const da = scratch.da + (panel * scratch.rows + first) * cell.slots * W;
        Real* const db = scratch.db + panel * cell.slots * W;
        unrolled<cell.gates>([&](int place) __attribute__((always_inline)) {
            const int gate = cell.order.at[place];
            const int x_slot = cell.input_slot[gate], h_slot = cell.bias_slot[gate];
            const Index at = panel * width + place * W;
            const Vec<Real> gain = load(gains + 2 * at);
            Vec<Real> sum_x = load(db + x_slot * W), sum_h = load(db + h_slot * W);
            Vec<Real> gain_x = load(d_gains + 2 * at);
            Vec<Real> gain_h = load(d_gains + 2 * at + W);
            unrolled<R>([&](int r) __attribute__((always_inline)) {
                Real* const d_at = da + r * cell.slots * W;
                const Record<Real>& record = records[r];
                const Vec<Real> d_x = load(d_at + x_slot * W), d_h = load(d_at + h_slot * W);
                const Vec<Real> x = load_products(shape, record.x, at);
                const Vec<Real> h = load_products(shape, record.h, at);
                const Vec<Real> scale_x = splat(record.scales[place]);
                const Vec<Real> scale_h = splat(record.scales[kMostGates + place]);
                sum_x += d_x;
                if (h_slot != x_slot) sum_h += d_h;
                gain_x = multiply_add<Real>(d_x, x * scale_x, gain_x);
                gain_h = multiply_add<Real>(d_h, h * scale_h, gain_h);
                const Vec<Real> much = splat(-along[r * kMostGates + place]);
                store(d_at + x_slot * W, multiply_add<Real>(much, x, d_x * gain * scale_x));
            });
            store(db + x_slot * W, sum_x);
            if (h_slot != x_slot) store(db + h_slot * W, sum_h);
            store(d_gains + 2 * at, gain_x);
            store(d_gains + 2 * at + W, gain_h);
        });
    }
}

// The same of all rows of a block; the members share the panels.
template <class Cell, class Real>
void finish_norm(const Shape& shape, const PackedBack<Real>& packed,
                 const BackScratch<Real>& scratch, const Team& team) {
    constexpr Index kAtOnce = 4;
    const Range panels = share(panel_count<Real>(shape.H), team.member, team.size);
    const Index rows = scratch.block.row_count();
    Index i = 0;
    for (; i + kAtOnce <= rows; i += kAtOnce) {
        finish_rows<Cell, kAtOnce>(shape, packed, scratch, panels, i);
    }
    for (; i < rows; ++i) finish_rows<Cell, 1>(shape, packed, scratch, panels, i);
}

// Takes the mean of each gate's H rows off sums [panel][K][G][lane], in the columns `range`.
template <class Real>
void centre_columns(const Shape& shape, Real* sums, Index K, Index G, Range range) {
    constexpr Index W = kLanes<Real>;
    const Index panels = panel_count<Real>(shape.H), panel_size = K * G * W;
    const Real share = share_of_mean<Real>(shape);
    for (Index at = range.first * G * W; at < range.end * G * W; at += W) {
        Vec<Real> total = {};
        for (Index p = 0; p < panels; ++p) total += load(sums + p * panel_size + at);
        const Vec<Real> mean = splat(lane_total<Real>(total)[0] * share);
        for (Index p = 0; p < panels; ++p) {
            Real* const to = sums + p * panel_size + at;
            store(to, load(to) - mean);
        }
    }
}

// The gradients of the weights, whose columns sum to 0; the members share the columns.
template <class Real>
void centre_sums(const CellForm& cell, const Shape& shape, const BackScratch<Real>& scratch,
                 const Team& team) {
    const auto centre = [&](Real* sums, Index K, Index G) {
        centre_columns(shape, sums, K, G, share_of_tiles(K, team.member, team.size));
    };
    centre(scratch.dw_ih, shape.I, cell.gates);
    centre(scratch.dw_hh, shape.P, cell.first);
    if (cell.second == Second::candidate) centre(scratch.dw_second, shape.H, 1);
}

// The gradients of a norm's parameters in a panel, from their sums. A norm's bias has that of the
// bias beside it.
template <class Real>
void finish_gains(const CellForm& cell, const Shape& shape, const BackScratch<Real>& scratch,
                  const Backward<Real>& back, Index panel) {
    constexpr Index W = kLanes<Real>;
    const Span span = span_of<Real>(shape.H, panel);
    const auto put = [&](Real* to, int gate, const Real* from) {
        if (to != nullptr) store(to + gate * shape.H + span.first, load(from), span.width);
    };
    for (int place = 0; place < cell.gates; ++place) {
        const int gate = cell.order.at[place];
        const Real* const gains = scratch.d_gains + (panel * cell.gates + place) * 2 * W;
        const Real* const biases = scratch.db + panel * cell.slots * W;
        put(back.d_norm[0], gate, gains);
        put(back.d_norm[1], gate, biases + cell.input_slot[gate] * W);
        put(back.d_norm[2], gate, gains + W);
        put(back.d_norm[3], gate, biases + cell.bias_slot[gate] * W);
    }
}

}  // namespace gruta::GRUTA_ISA
