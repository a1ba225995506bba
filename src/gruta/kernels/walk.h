// Which rows take part in a block of steps, and where each finds its states.
#pragma once

#include "gruta/kernels/arena.h"
#include "gruta/kernels/gemm.h"
#include "gruta/kernels/layer.h"

namespace gruta::GRUTA_ISA {

template <class Item>
inline Item* at(const View<Item>& view, Index t, Index b) {
    return view.data == nullptr ? nullptr : view.data + t * view.step + b * view.row;
}

// One row of the batch at one step.
template <class Real>
struct Row {
    Index t, b;
    const Real* before[kMostStates];  // the states before the step
    Real* after[kMostStates];         // the states after it
    Real* gates;                      // what is saved, or null
};

// Whether a reset put its own state in place of what was there.
template <class Real>
inline bool restarts(const Walk<Real>& walk, Index t, Index b) {
    const std::uint8_t* const reset = at(walk.reset, t, b);
    return reset != nullptr && *reset != 0;
}

// Where a panel's units lie in the arrays of a row.
struct Span {
    Index first, width;
};

template <class Real>
inline Span span_of(Index units, Index panel) {
    return {panel * kLanes<Real>, panel_width<Real>(units, panel)};
}

// Which units of a row keep their old state: [P] or [H] bytes, or null.
template <class Real>
inline const std::uint8_t* held_of(const Shape& shape, const Walk<Real>& walk, const Row<Real>& row,
                                   int state) {
    if (walk.hold[state] == nullptr) return nullptr;
    return walk.hold[state] + (row.t * shape.B + row.b) * (state == 0 ? shape.P : shape.H);
}

// One member's part in a call: rows of the batch, and panels of the H units and of the P numbers of
// h. One of the two is whole.
struct Part {
    Range rows, units, outputs;
};

// In a part of the batch.
template <class Real>
Part part_of(const Shape& shape, const Team& team, Range rows) {
    const Range units = {0, panel_count<Real>(shape.H)};
    const Range outputs = {0, panel_count<Real>(shape.P)};
    if (!team.splits_units) {
        const Range own = share(rows.size(), team.member, team.size);
        return {{rows.first + own.first, rows.first + own.end}, units, outputs};
    }
    return {rows, share(units.end, team.member, team.size),
            share(outputs.end, team.member, team.size)};
}

// Rows of a member, at most.
inline Index most_rows(const Shape& shape, const Team& team) {
    return team.splits_units ? shape.B : shape.B / team.size + (shape.B % team.size != 0);
}

// Before a product that reads what other members have computed.
inline void wait_for_units(Team& team) {
    if (team.splits_units) team.wait();
}

inline bool is_active(const std::int64_t* lengths, Index t, Index b) {
    return lengths == nullptr || t < lengths[b];
}

template <class Real>
inline void clear(Real* to, Index count) {
    if (to != nullptr) __builtin_memset(to, 0, static_cast<std::size_t>(count) * sizeof(Real));
}

template <class Real>
inline void copy(Real* to, const Real* from, Index count) {
    __builtin_memmove(to, from, static_cast<std::size_t>(count) * sizeof(Real));
}

// Steps in the order of the walk, and the rows that are active in each.
template <class Real>
class Block {
  public:
    Row<Real>* rows;     // [steps · rows of the member]
    const Real** x;      // [row]: [I]
    const Real** input;  // [row]: [P], what of h enters the products
    Index* ends;         // [steps]: past the last row of each step
    Index steps = 0;

    Range of(Index step) const { return {step == 0 ? 0 : ends[step - 1], ends[step]}; }
    Index row_count() const { return steps == 0 ? 0 : ends[steps - 1]; }

    static Block cut(Arena& arena, Index steps, Index rows) {
        return {arena.take<Row<Real>>(steps, rows), arena.take<const Real*>(steps, rows),
                arena.take<const Real*>(steps, rows), arena.take<Index>(steps), 0};
    }
};

// Where the states of a pass lie: h [T, B, P] and c [T, B, H], as `before` and `after` show them.
template <class Real>
struct States {
    View<Real> view[kMostStates];
    const Real* zeros;  // what a reset restores where nothing else is said
};

// Where the inputs of the products stand that are not h itself: [input_steps, B, P].
template <class Real>
inline Real* dropped_input(const Shape& shape, Real* inputs, Index input_steps, Index step,
                           Index b) {
    return inputs + (step % input_steps * shape.B + b) * shape.P;
}

// Lists the rows `range` of the steps `steps` of the walk, counted from its beginning. `saved`: so
// many numbers a row and step.
template <class Real>
void list_rows(const Shape& shape, const Forward<Real>& pass, const States<Real>& states,
               int state_count, Index saved, Range range, Range steps, Real* inputs,
               Index input_steps, Block<Real>& block) {
    const Walk<Real>& walk = pass.walk;
    const Index sizes[kMostStates] = {shape.P, shape.H};
    Row<Real>* row = block.rows;
    const Real **x = block.x, **input = block.input;
    block.steps = steps.size();
    for (Index step = steps.first; step < steps.end; ++step) {
        const Index t = walk.reverse ? shape.T - 1 - step : step;
        const Index previous = walk.reverse ? t + 1 : t - 1;
        for (Index b = range.first; b < range.end; ++b) {
            if (!is_active(walk.lengths, t, b)) continue;
            const Index last = walk.lengths == nullptr ? shape.T - 1 : walk.lengths[b] - 1;
            const bool starts = t == (walk.reverse ? last : 0);
            const bool fresh = restarts(walk, t, b);
            row->t = t;
            row->b = b;
            row->gates = pass.gates == nullptr ? nullptr : pass.gates + (t * shape.B + b) * saved;
            for (int s = 0; s < state_count; ++s) {
                row->after[s] = at(states.view[s], t, b);
                row->before[s] = fresh
                                     ? (walk.restart[s] == nullptr ? states.zeros : walk.restart[s])
                                 : starts ? pass.initial[s] + b * sizes[s]
                                          : at(states.view[s], previous, b);
            }
            *x++ = at(pass.x, t, b);
            *input++ = walk.dropout == nullptr ? row->before[0]
                                               : dropped_input(shape, inputs, input_steps, step, b);
            ++row;
        }
        block.ends[step - steps.first] = row - block.rows;
    }
}

// The rows of a step whose place in the batch lies in `places`; a step's rows are in order.
template <class Real>
Range rows_within(const Block<Real>& block, Index step, Range places) {
    Range range = block.of(step);
    while (range.size() > 0 && block.rows[range.first].b < places.first) ++range.first;
    while (range.size() > 0 && block.rows[range.end - 1].b >= places.end) --range.end;
    return range;
}

// The inputs of the rows `range`, all of one step: dropout ⊙ h, the numbers in the panels
// `outputs`.
template <class Real>
void drop_inputs(const Shape& shape, const Walk<Real>& walk, const Block<Real>& block, Range range,
                 Range outputs) {
    if (walk.dropout == nullptr) return;
    for (Index i = range.first; i < range.end; ++i) {
        const Row<Real>& row = block.rows[i];
        const Real* const factors = walk.dropout + row.b * shape.P;
        for (Index p = outputs.first; p < outputs.end; ++p) {
            const Index unit = p * kLanes<Real>, width = panel_width<Real>(shape.P, p);
            // The inputs are scratch: only who reads them sees them as constant.
            store(const_cast<Real*>(block.input[i]) + unit,
                  load(factors + unit, width) * load(row.before[0] + unit, width), width);
        }
    }
}

}  // namespace gruta::GRUTA_ISA
