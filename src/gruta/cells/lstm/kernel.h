// The LSTM's step, forward and backward, on the vectors of one instruction set; README.md derives
// it. Gates in the order i, f, g, o; saved i, f, g, o, c, where c is the state after the step.
#pragma once

#include "gruta/kernels/backward.h"
#include "gruta/kernels/norm_forward.h"
#include "gruta/kernels/row.h"

namespace gruta::GRUTA_ISA {

struct Lstm {
    static constexpr CellForm form = {
        .gates = 4,
        .states = 2,
        .saved = 5,
        .coded = 4,
        .code = {Code::share, Code::share, Code::sign, Code::share},
        .first = 4,
        .apart = -1,
        .order = {4, {0, 1, 3, 2}},  // i, f, o and then g: first all that σ is taken of
        .second = Second::projection,
        .slots = 4,
        .hidden_slot = 0,
        .input_gates = in_order(4),
        .input_slot = {0, 1, 2, 3},
        .bias_slot = {0, 1, 2, 3},
    };

    // Panels whose tanh c is computed at once on the way back.
    static constexpr Index kAtOnce = 8;

    template <class Real>
    static void step(const Step<Real>& s) {
        gate_sums<Lstm>(s, [&](const Tile& tile, Vec<Real>* sums) {
            by_size<form.first>(tile, [&](const auto& sized) { step_gates(s, sized, sums); });
        });
        if (s.shape.P != s.shape.H) step_projection(s);
    }

    template <class Real, class TileOf>
    static void step_gates(const Step<Real>& s, const TileOf& tile, Vec<Real>* sums) {
        const Index H = s.shape.H, count = tile.count();
        const Vec<Real>*const in = sums, *const forget = in + count, *const out = forget + count;
        Vec<Real>* const g = sums + 3 * count;  // and later c in its place
        sigmoids<Real>(sums, 3 * count);
        tanhs<Real>(g, count);
        tile.each([&](Index item, Index i, Index panel) {
            const Row<Real>& row = s.row(i);
            const Span span = span_of<Real>(H, panel);
            const Vec<Real> c_before = load(row.before[1] + span.first, span.width);
            const Vec<Real> c = new_cell<Real>(in[item], forget[item], g[item], c_before);
            save<Lstm, 0>(s.shape, row, span, in[item]);
            save<Lstm, 1>(s.shape, row, span, forget[item]);
            save<Lstm, 2>(s.shape, row, span, g[item]);
            save<Lstm, 3>(s.shape, row, span, out[item]);
            g[item] = c;
            save<Lstm, 4>(s.shape, row, span, settle(s.shape, s.walk, row, 1, span, c));
        });
        tanhs<Real>(g, count);
        tile.each([&](Index item, Index i, Index panel) {
            const Row<Real>& row = s.row(i);
            const Span span = span_of<Real>(H, panel);
            const Vec<Real> m = out[item] * g[item];
            if (s.shape.P != H) {
                store(s.scratch.between + row.b * H + span.first, m, span.width);
            } else {
                settle(s.shape, s.walk, row, 0, span, m);
            }
        });
    }

    template <class Real>
    static void step_projection(const Step<Real>& s) {
        const Term<Real> hidden =
            s.packed.term(s.shape.H, 1, s.packed.second, s.scratch.between_rows);
        wait_for_units(s.team);
        round_between(s.packed.storage, s.shape, s.range, s.scratch);
        multiply<1>(s.packed.storage, s.range, s.part.outputs, from_zero(hidden),
                    [&](const Tile& tile, const Vec<Real>* sums) {
                        tile.each([&](Index item, Index i, Index panel) {
                            const Span span = span_of<Real>(s.shape.P, panel);
                            settle(s.shape, s.walk, s.row(i), 0, span, sums[item]);
                        });
                    });
    }

    template <class Real>
    [[gnu::always_inline]] static void step_row(const RowStep<Real>& s) {
        Vec<Real> ifo[3], g;
        s.both(0, &ifo[0]);
        s.both(1, &ifo[1]);
        s.both(2, &g);
        s.both(3, &ifo[2]);
        sigmoids<Real>(ifo, 3);
        tanhs<Real>(&g, 1);
        Vec<Real> c = multiply_add<Real>(ifo[1], s.state(1), ifo[0] * g);
        s.keep(1, c);
        tanhs<Real>(&c, 1);
        s.keep(0, ifo[2] * c);
    }

    template <class Real>
    static void step_back(const StepBack<Real>& s) {
        const bool projects = s.shape.P != s.shape.H;
        for (Index i = s.range.first; i < s.range.end; ++i) {
            for (Index panel = s.part.outputs.first; panel < s.part.outputs.end; ++panel) {
                const Span span = span_of<Real>(s.shape.P, panel);
                const auto [d, kept] =
                    split_held(s.shape, s.walk, s.row(i), 0, span, arriving(s, i, panel, span));
                store(s.carry(0, i, panel), kept);
                store(projects ? d_projected(s, i, panel) : s.second(i, panel), d);
            }
        }
        if (projects) step_projection_back(s);
        for (Index i = s.range.first; i < s.range.end; ++i) {
            for (Index first = s.part.units.first; first < s.part.units.end; first += kAtOnce) {
                const Index end = first + kAtOnce;
                step_gates_back(s, i, {first, end < s.part.units.end ? end : s.part.units.end});
            }
        }
        back_through_norm<Lstm, form.first>(s, 0);
        carry_back(s);
    }

    // dm, the gradient of m = o ⊙ tanh c.
    template <class Real>
    static void step_projection_back(const StepBack<Real>& s) {
        const Index outputs = panel_count<Real>(s.shape.P);
        wait_for_units(s.team);
        multiply<1>(storage<Real>(), s.range, s.part.units,
                    from_zero(projected_gradients(s.scratch).times(s.packed.second, outputs, 1)),
                    [&](const Tile& tile, const Vec<Real>* sums) {
                        tile.each([&](Index item, Index i, Index panel) {
                            store(s.second(i, panel), sums[item]);
                        });
                    });
    }

    // From dm to the gradients of the gates' sums and of c before the step.
    template <class Real>
    static void step_gates_back(const StepBack<Real>& s, Index i, Range panels) {
        const Index H = s.shape.H;
        const Row<Real>& row = s.row(i);
        Vec<Real> tanh_c[kAtOnce];
        for (Index panel = panels.first; panel < panels.end; ++panel) {
            const Span span = span_of<Real>(H, panel);
            tanh_c[panel - panels.first] = new_cell<Real>(
                saved<Lstm, 0>(s, i, span), saved<Lstm, 1>(s, i, span), saved<Lstm, 2>(s, i, span),
                load(row.before[1] + span.first, span.width));
        }
        tanhs<Real>(tanh_c, panels.size());
        for (Index panel = panels.first; panel < panels.end; ++panel) {
            step_panel_back(s, i, panel, tanh_c[panel - panels.first]);
        }
    }

    template <class Real>
    [[gnu::always_inline]] static void step_panel_back(const StepBack<Real>& s, Index i,
                                                       Index panel, Vec<Real> tanh_c) {
        const Row<Real>& row = s.row(i);
        const Span span = span_of<Real>(s.shape.H, panel);
        fetch_ahead<Lstm>(s, i, panel);
        const Vec<Real> in = saved<Lstm, 0>(s, i, span), forget = saved<Lstm, 1>(s, i, span);
        const Vec<Real> g = saved<Lstm, 2>(s, i, span), out = saved<Lstm, 3>(s, i, span);
        const Vec<Real> c_before = load(row.before[1] + span.first, span.width);
        const Vec<Real> dm = load(s.second(i, panel));
        const Vec<Real> by_m = dm * out * (Real(1) - tanh_c * tanh_c);
        const Vec<Real> later = load(s.carry(1, i, panel));
        Real* const through = at(s.back.through[1], row.t, row.b);
        if (through != nullptr) store(through + span.first, later + by_m, span.width);
        const auto [fresh, kept] = split_held(s.shape, s.walk, row, 1, span, later);
        const Vec<Real> dc = fresh + by_m;
        store(s.da(i, panel, 0), dc * g * in * (Real(1) - in));
        store(s.da(i, panel, 1), dc * c_before * forget * (Real(1) - forget));
        store(s.da(i, panel, 2), dc * in * (Real(1) - g * g));
        store(s.da(i, panel, 3), dm * tanh_c * out * (Real(1) - out));
        if (s.shape.P != s.shape.H) {
            store(s.scratch.between + i * s.shape.H + span.first, out * tanh_c, span.width);
        }
        hand_back(s, 1, i, panel, multiply_add<Real>(dc, forget, kept));
    }

    template <class Real>
    static Real* d_projected(const StepBack<Real>& s, Index i, Index panel) {
        return s.scratch.d_projected + (panel * s.scratch.rows + i) * kLanes<Real>;
    }

    // The forward and the backward pass compute it alike, to the last bit.
    template <class Real>
    [[gnu::always_inline]] static Vec<Real> new_cell(Vec<Real> in, Vec<Real> forget, Vec<Real> g,
                                                     Vec<Real> c_before) {
        return multiply_add<Real>(forget, c_before, in * g);
    }
};

}  // namespace gruta::GRUTA_ISA
