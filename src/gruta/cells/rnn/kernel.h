// The plain RNN's step, forward and backward, on the vectors of one instruction set; README.md
// derives it. Nothing is saved: the states say all.
#pragma once

#include "gruta/kernels/backward.h"
#include "gruta/kernels/norm_forward.h"
#include "gruta/kernels/row.h"

namespace gruta::GRUTA_ISA {

template <bool kTanh>
struct Rnn {
    static constexpr CellForm form = {
        .gates = 1,
        .states = 1,
        .saved = 0,
        .coded = 0,
        .code = {},
        .first = 1,
        .apart = -1,
        .order = in_order(1),
        .second = Second::none,
        .slots = 1,
        .hidden_slot = 0,
        .input_gates = in_order(1),
        .input_slot = {0},
        .bias_slot = {0},
    };

    template <class Real>
    static void step(const Step<Real>& s) {
        gate_sums<Rnn>(s, [&](const Tile& tile, Vec<Real>* sums) {
            by_size<form.first>(tile, [&](const auto& sized) { step_state(s, sized, sums); });
        });
    }

    template <class Real, class TileOf>
    static void step_state(const Step<Real>& s, const TileOf& tile, Vec<Real>* sums) {
        if constexpr (kTanh) tanhs<Real>(sums, tile.count());
        tile.each([&](Index item, Index i, Index panel) {
            const Span span = span_of<Real>(s.shape.H, panel);
            const Vec<Real> h = kTanh ? sums[item] : rectify<Real>(sums[item]);
            settle(s.shape, s.walk, s.row(i), 0, span, h);
        });
    }

    template <class Real>
    [[gnu::always_inline]] static void step_row(const RowStep<Real>& s) {
        Vec<Real> h;
        s.both(0, &h);
        if constexpr (kTanh) tanhs<Real>(&h, 1);
        s.keep(0, kTanh ? h : rectify<Real>(h));
    }

    template <class Real>
    static void step_back(const StepBack<Real>& s) {
        for (Index i = s.range.first; i < s.range.end; ++i) {
            for (Index panel = s.part.units.first; panel < s.part.units.end; ++panel) {
                const Span span = span_of<Real>(s.shape.H, panel);
                fetch_ahead<Rnn>(s, i, panel);
                const auto [d, kept] =
                    split_held(s.shape, s.walk, s.row(i), 0, span, arriving(s, i, panel, span));
                const Vec<Real> h = load(s.row(i).after[0] + span.first, span.width);
                store(s.carry(0, i, panel), kept);
                if constexpr (kTanh) {
                    store(s.da(i, panel, 0), d * (Real(1) - h * h));
                } else {
                    store(s.da(i, panel, 0), h > Vec<Real>{} ? d : Vec<Real>{});
                }
            }
        }
        back_through_norm<Rnn, form.first>(s, 0);
        carry_back(s);
    }

    // max(a, 0), and NaN of NaN.
    template <class Real>
    [[gnu::always_inline]] static Vec<Real> rectify(Vec<Real> a) {
        return a <= Vec<Real>{} ? Vec<Real>{} : a;
    }
};

}  // namespace gruta::GRUTA_ISA
