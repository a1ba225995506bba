// The GRU's step, forward and backward, on the vectors of one instruction set; README.md derives
// it. Gates in the order r, z, n; saved r, z, n, q.
#pragma once

#include "gruta/kernels/backward.h"
#include "gruta/kernels/norm_forward.h"
#include "gruta/kernels/row.h"

namespace gruta::GRUTA_ISA {

template <bool kResetAfter>
struct Gru {
    // Gradients of the gates' sums in the order n, r, z, q: the first three meet x, the last three
    // h. Reset before has no q of its own, n meets r ⊙ h.
    static constexpr CellForm form = {
        .gates = 3,
        .states = 1,
        .saved = 4,
        .coded = 4,
        .code = {Code::share, Code::share, Code::sign, Code::number},
        .first = kResetAfter ? 3 : 2,
        .apart = 2,
        .order = in_order(3),
        .second = kResetAfter ? Second::none : Second::candidate,
        .slots = kResetAfter ? 4 : 3,
        .hidden_slot = 1,
        .input_gates = {3, {2, 0, 1}},
        .input_slot = {1, 2, 0},
        .bias_slot = {1, 2, kResetAfter ? 3 : 0},
    };

    template <class Real>
    static void step(const Step<Real>& s) {
        gate_sums<Gru>(s, [&](const Tile& tile, Vec<Real>* sums) {
            by_size<form.first>(tile, [&](const auto& sized) { step_gates(s, sized, sums); });
        });
        if constexpr (!kResetAfter) step_candidate(s);
    }

    template <class Real, class TileOf>
    static void step_gates(const Step<Real>& s, const TileOf& tile, Vec<Real>* sums) {
        const Index H = s.shape.H, count = tile.count();
        sigmoids<Real>(sums, 2 * count);
        const Vec<Real>*const r = sums, *const z = sums + count, *const q = sums + 2 * count;
        // W_in x + b_in, which r does not multiply, and then n in its place.
        Vec<Real>* const n = s.aside;
        if constexpr (kResetAfter) {
            for (Index item = 0; item < count; ++item) {
                n[item] = multiply_add<Real>(r[item], q[item], n[item]);
            }
            tanhs<Real>(n, count);
        }
        tile.each([&](Index item, Index i, Index panel) {
            const Row<Real>& row = s.row(i);
            const Span span = span_of<Real>(H, panel);
            save<Gru, 0>(s.shape, row, span, r[item]);
            save<Gru, 1>(s.shape, row, span, z[item]);
            if constexpr (kResetAfter) {
                blend(s, i, panel, z[item], n[item], q[item]);
            } else {
                store(s.kept(i, panel), z[item]);
                store(s.scratch.between + row.b * H + span.first,
                      r[item] * load(s.input(i) + span.first, span.width), span.width);
            }
        });
    }

    // The candidate's product needs r of every unit, so the gates are finished first.
    template <class Real>
    static void step_candidate(const Step<Real>& s) {
        candidate_sums<Gru>(s, [&](const Tile& tile, const Vec<Real>* q) {
            by_size<1>(tile, [&](const auto& sized) { blend_candidate(s, sized, q); });
        });
    }

    template <class Real, class TileOf>
    static void blend_candidate(const Step<Real>& s, const TileOf& tile, const Vec<Real>* q) {
        Vec<Real>* const n = s.aside;
        for (Index item = 0; item < tile.count(); ++item) n[item] += q[item];
        tanhs<Real>(n, tile.count());
        tile.each([&](Index item, Index i, Index panel) {
            blend(s, i, panel, load(s.kept(i, panel)), n[item], q[item]);
        });
    }

    // h from z and the candidate.
    template <class Real>
    [[gnu::always_inline]] static void blend(const Step<Real>& s, Index i, Index panel, Vec<Real> z,
                                             Vec<Real> n, Vec<Real> q) {
        const Row<Real>& row = s.row(i);
        const Span span = span_of<Real>(s.shape.H, panel);
        const Vec<Real> h = load(row.before[0] + span.first, span.width);
        settle(s.shape, s.walk, row, 0, span, multiply_add<Real>(z, h - n, n));
        save<Gru, 2>(s.shape, row, span, n);
        save<Gru, 3>(s.shape, row, span, q);
    }

    // Reset before has none: its candidate needs r of every unit first.
    template <class Real>
    [[gnu::always_inline]] static void step_row(const RowStep<Real>& s)
        requires kResetAfter
    {
        Vec<Real> rz[2], q, n;
        s.both(0, &rz[0]);
        s.both(1, &rz[1]);
        s.hidden(2, &q);
        s.input(2, &n);
        sigmoids<Real>(rz, 2);
        n = multiply_add<Real>(rz[0], q, n);
        tanhs<Real>(&n, 1);
        s.keep(0, multiply_add<Real>(rz[1], s.state(0) - n, n));
    }

    template <class Real>
    static void step_back(const StepBack<Real>& s) {
        const Index H = s.shape.H;
        for (Index i = s.range.first; i < s.range.end; ++i) {
            const Row<Real>& row = s.row(i);
            for (Index panel = s.part.units.first; panel < s.part.units.end; ++panel) {
                const Span span = span_of<Real>(H, panel);
                fetch_ahead<Gru>(s, i, panel);
                const auto [d, kept] =
                    split_held(s.shape, s.walk, row, 0, span, arriving(s, i, panel, span));
                const Vec<Real> r = saved<Gru, 0>(s, i, span), z = saved<Gru, 1>(s, i, span);
                const Vec<Real> n = saved<Gru, 2>(s, i, span), q = saved<Gru, 3>(s, i, span);
                const Vec<Real> h = load(row.before[0] + span.first, span.width);
                const Vec<Real> da_n = d * (Real(1) - z) * (Real(1) - n * n);
                store(s.da(i, panel, 0), da_n);
                store(s.da(i, panel, 2), d * (h - n) * z * (Real(1) - z));
                store(s.carry(0, i, panel), multiply_add<Real>(d, z, kept));
                if constexpr (kResetAfter) {
                    store(s.da(i, panel, 1), da_n * q * r * (Real(1) - r));
                    store(s.da(i, panel, 3), da_n * r);
                } else {
                    const Vec<Real> input = load(s.input(i) + span.first, span.width);
                    store(s.scratch.between + i * H + span.first, r * input, span.width);
                }
            }
        }
        if constexpr (!kResetAfter) step_candidate_back(s);
        back_through_norm<Gru, form.first>(s, 0);
        carry_back(s);
    }

    // What the candidate's product sends back to r and, past it, to h.
    template <class Real>
    static void step_candidate_back(const StepBack<Real>& s) {
        const Index H = s.shape.H;
        const Gradients<Real> dq = candidate_gradients(s.cell, s.shape, s.scratch);
        back_through_norm<Gru, 1>(s, form.gates - 1);
        wait_for_units(s.team);
        multiply<1>(storage<Real>(), s.range, s.part.units,
                    from_zero(dq.times(s.packed.second, panel_count<Real>(H), 1)),
                    [&](const Tile& tile, const Vec<Real>* sums) {
                        tile.each([&](Index item, Index i, Index panel) {
                            const Span span = span_of<Real>(H, panel);
                            const Vec<Real> r = saved<Gru, 0>(s, i, span), d_reset_h = sums[item];
                            const Vec<Real> input = load(s.input(i) + span.first, span.width);
                            store(s.da(i, panel, 1), d_reset_h * input * r * (Real(1) - r));
                            Real* const carry = s.carry(0, i, panel);
                            store(carry, load(carry) + dropped(s, i, span, d_reset_h * r));
                        });
                    });
    }
};

}  // namespace gruta::GRUTA_ISA
