// The backward pass of every cell: block by block of steps from the last to the first, and in each
// block first the gradients of the gates' sums, step by step, then everything that sums over steps.
// What a step computes is the cell's.
#pragma once

#include "gruta/kernels/norm_back.h"

namespace gruta::GRUTA_ISA {

// Everything of a block that sums over its rows, and dx. The members share the columns of the
// weights and the rows of dx: however many they are, every sum runs over the rows in one order.
template <class Real>
void sum_block(const CellForm& cell, const Shape& shape, const PackedBack<Real>& packed,
               const BackScratch<Real>& scratch, const Backward<Real>& back, const Team& team) {
    const Index rows = scratch.block.row_count(), panels = panel_count<Real>(shape.H);
    const Gradients<Real> da = gate_gradients(cell, scratch);
    const Gradients<Real> dp = hidden_gradients(cell, shape, scratch);
    const Range all = {0, panels};
    for (Index i = 0; i < rows; ++i) scratch.between_rows[i] = scratch.between + i * shape.H;
    const auto columns = [&](Index K) { return share_of_tiles(K, team.member, team.size); };
    if (back.dw_ih != nullptr) {
        add_outer(cell.gates, da, all, scratch.block.x, columns(shape.I), shape.I, scratch.dw_ih);
    }
    if (back.dw_hh != nullptr) {
        add_outer(cell.first, dp, all, scratch.block.input, columns(shape.P), shape.P,
                  scratch.dw_hh);
        if (cell.second == Second::candidate) {
            add_outer(1, candidate_gradients(cell, shape, scratch), all, scratch.between_rows,
                      columns(shape.H), shape.H, scratch.dw_second);
        }
    }
    if (back.dw_hr != nullptr) {
        add_outer(1, projected_gradients(scratch), {0, panel_count<Real>(shape.P)},
                  scratch.between_rows, columns(shape.H), shape.H, scratch.dw_second);
    }
    if (!shape.normed && (back.db_ih != nullptr || back.db_hh != nullptr)) {
        add_rows(cell.slots, da, share(panels, team.member, team.size), scratch.db);
    }
    if (back.dx.data == nullptr) return;
    const Row<Real>* const listed = scratch.block.rows;
    multiply<1>(storage<Real>(), share(rows, team.member, team.size),
                {0, panel_count<Real>(shape.I)}, from_zero(da.times(packed.ih, panels, cell.gates)),
                [&](const Tile& tile, const Vec<Real>* sums) {
                    tile.each([&](Index item, Index i, Index panel) {
                        const Span span = span_of<Real>(shape.I, panel);
                        Real* const to = at(back.dx, listed[i].t, listed[i].b);
                        store(to + span.first, sums[item], span.width);
                    });
                });
}

// The carried gradients of the member's rows and panels, as they begin.
template <class Real>
void start_back(const CellForm& cell, const Shape& shape, const Part& part,
                const BackScratch<Real>& scratch, const Backward<Real>& back) {
    constexpr Index W = kLanes<Real>;
    for (int s = 0; s < cell.states; ++s) {
        const Index units = s == 0 ? shape.P : shape.H;
        const Range panels = s == 0 ? part.outputs : part.units;
        for (Index b = part.rows.first; b < part.rows.end; ++b) {
            for (Index p = panels.first; p < panels.end; ++p) {
                const Span span = span_of<Real>(units, p);
                const Index offset = ((b - scratch.first_row) * panel_count<Real>(units) + p) * W;
                const Real* const d = back.d_final[s];
                store(scratch.carry[s] + offset,
                      d == nullptr ? Vec<Real>{} : load(d + b * units + span.first, span.width));
                store(scratch.d_restart[s] + offset, Vec<Real>{});
            }
        }
    }
}

// The outputs that are complete when the walk of some rows is over: gradients of states, and zeros
// of rows that rest. Every member writes rows of its own, and one the restarts'.
template <class Real>
void finish_states(const CellForm& cell, const Shape& shape, Range rows,
                   const BackScratch<Real>& scratch, const Backward<Real>& back, const Team& team) {
    constexpr Index W = kLanes<Real>;
    const Range share_of_rows = share(rows.size(), team.member, team.size);
    const Range own = {rows.first + share_of_rows.first, rows.first + share_of_rows.end};
    const std::int64_t* const lengths = back.pass.walk.lengths;
    for (Index b = own.first; b < own.end; ++b) {
        for (Index t = lengths == nullptr ? shape.T : lengths[b]; t < shape.T; ++t) {
            clear(at(back.dx, t, b), shape.I);
            clear(at(back.through[0], t, b), shape.P);
            if (cell.states > 1) clear(at(back.through[1], t, b), shape.H);
        }
    }
    for (int s = 0; s < cell.states; ++s) {
        const Index units = s == 0 ? shape.P : shape.H, panels = panel_count<Real>(units);
        for (Index b = own.first; b < own.end && back.d_initial[s] != nullptr; ++b) {
            copy(back.d_initial[s] + b * units, scratch.carry[s] + (b - rows.first) * panels * W,
                 units);
        }
        Real* const d_restart = back.d_restart[s];
        if (d_restart == nullptr || team.member != 0) continue;
        for (Index p = 0; p < panels; ++p) {
            const Span span = span_of<Real>(units, p);
            Vec<Real> sum = {};
            if (rows.first > 0) sum = load(d_restart + span.first, span.width);
            for (Index i = 0; i < rows.size(); ++i) {
                sum += load(scratch.d_restart[s] + (i * panels + p) * W);
            }
            store(d_restart + span.first, sum, span.width);
        }
    }
}

// The weights' gradients from their packed sums, the panels shared among the members.
template <class Real>
void finish_weights(const CellForm& cell, const Shape& shape, const BackScratch<Real>& scratch,
                    const Backward<Real>& back, const Team& team) {
    constexpr Index W = kLanes<Real>;
    const Index H = shape.H, P = shape.P;
    const Range units = share(panel_count<Real>(H), team.member, team.size);
    const Range outputs = share(panel_count<Real>(P), team.member, team.size);
    if (back.dw_ih != nullptr) {
        unpack(scratch.dw_ih, units, H, shape.I, cell.input_gates, back.dw_ih);
    }
    if (back.dw_hh != nullptr) {
        unpack(scratch.dw_hh, units, H, P, in_order(cell.first), back.dw_hh);
        if (cell.second == Second::candidate) {
            unpack(scratch.dw_second, units, H, H, {1, {cell.gates - 1}}, back.dw_hh);
        }
    }
    if (back.dw_hr != nullptr) {
        unpack(scratch.dw_second, outputs, P, H, in_order(1), back.dw_hr);
    }
    for (Index p = units.first; p < units.end; ++p) {
        const Span span = span_of<Real>(H, p);
        const Real* const sums = scratch.db + p * cell.slots * W;
        for (int gate = 0; gate < cell.gates; ++gate) {
            const Index to = gate * H + span.first;
            if (back.db_ih != nullptr) {
                store(back.db_ih + to, load(sums + cell.input_slot[gate] * W), span.width);
            }
            if (back.db_hh != nullptr) {
                store(back.db_hh + to, load(sums + cell.bias_slot[gate] * W), span.width);
            }
        }
        if (shape.normed) finish_gains(cell, shape, scratch, back, p);
    }
}

template <class Real>
void clear_sums(const CellForm& cell, const Shape& shape, const BackScratch<Real>& scratch) {
    // The arrays lie one behind the other, with zeros or nothing between them.
    const Index count = (shape.normed ? scratch.d_gains + 2 * side_size<Real>(cell, shape.H)
                                      : scratch.db + panel_count<Real>(shape.H) * cell.slots *
                                                         kLanes<Real>)-scratch.dw_ih;
    clear(scratch.dw_ih, count);
}

// Some rows of the batch through all of their steps.
template <class Cell, class Real>
void rows_back(const Shape& shape, Range rows, const PackedBack<Real>& packed,
               BackScratch<Real>& scratch, const Backward<Real>& back, Team& team) {
    constexpr const CellForm& cell = Cell::form;
    const Part part = part_of<Real>(shape, team, rows);
    const Forward<Real>& pass = back.pass;
    const Index saved = saved_size<Real>(cell, shape);
    // The last of the saved slots is c, where there is one.
    const bool has_c = cell.states > 1 && pass.gates != nullptr;
    Real* const c = has_c ? pass.gates + slot_place<Real>(cell, shape, cell.saved - 1) : nullptr;
    const States<Real> states = {
        {{const_cast<Real*>(pass.h.data), pass.h.step, pass.h.row}, {c, shape.B * saved, saved}},
        scratch.zeros};
    scratch.first_row = rows.first;
    start_back(cell, shape, part, scratch, back);
    for (Index end = shape.T; end > 0; end -= scratch.steps) {
        const Index first = end > scratch.steps ? end - scratch.steps : 0;
        list_rows(shape, pass, states, cell.states, saved, rows, {first, end}, scratch.inputs,
                  scratch.steps, scratch.block);
        for (Index step = end - first; step-- > 0;) {
            const Range range = rows_within(scratch.block, step, part.rows);
            drop_inputs(shape, pass.walk, scratch.block, range, part.outputs);
            Cell::step_back(
                StepBack<Real>{cell, shape, part, packed, scratch, back, pass.walk, range, team});
        }
        team.wait();
        if (shape.normed) {
            finish_norm<Cell>(shape, packed, scratch, team);
            team.wait();
        }
        sum_block(cell, shape, packed, scratch, back, team);
        team.wait();
    }
    if (shape.T == 0) team.wait();
    finish_states(cell, shape, rows, scratch, back, team);
}

template <class Cell, class Real>
void backward(const Shape& shape, const void* packed_memory, const Backward<Real>& back,
              void* scratch_memory, Team& team) {
    constexpr const CellForm& cell = Cell::form;
    const auto packed = cut_packed_back<Real>(cell, shape, packed_memory);
    BackScratch<Real> scratch = cut_back_scratch<Real>(cell, shape, team, scratch_memory);
    if (team.member == 0) clear_sums(cell, shape, scratch);
    clear(scratch.zeros, shape.P > shape.H ? shape.P : shape.H);
    const Index parts = row_parts(shape.B);
    for (Index i = 0; i < parts; ++i) {
        if (i > 0) team.wait();  // for who still reads what the part before left
        rows_back<Cell>(shape, share(shape.B, i, parts), packed, scratch, back, team);
    }
    if (shape.normed) {
        centre_sums(cell, shape, scratch, team);
        team.wait();
    }
    finish_weights(cell, shape, scratch, back, team);
}

}  // namespace gruta::GRUTA_ISA
