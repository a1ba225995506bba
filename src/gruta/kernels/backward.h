// The backward pass of every cell: block by block of steps from the last to the first, and in each
// block first the gradients of the gates' sums, step by step, then everything that sums over steps.
// What a step computes is the cell's.
#pragma once

#include "gruta/kernels/forward.h"
#include "gruta/kernels/outer.h"

namespace gruta::GRUTA_ISA {

// Rows of a block, about: enough for the products over all of them to run at full speed.
constexpr Index kBackwardRows = 128;

// The weights for the way back, transposed, gates in the order of the slots.
template <class Real>
struct PackedBack {
    std::size_t bytes;
    Real* ih;      // [panel of I][panel of H][G][lane][lane]
    Real* hh;      // [panel of P][panel of H][first][lane][lane]
    Real* second;  // [panel of H][panel][1][lane][lane]: over H for a candidate, P for a projection
};

template <class Real>
PackedBack<Real> cut_packed_back(const CellForm& cell, const Shape& shape, const void* memory) {
    constexpr Index W = kLanes<Real>;
    const Index panels = panel_count<Real>(shape.H);
    const Index second = cell.second == Second::candidate ? panels : panel_count<Real>(shape.P);
    Arena arena(memory);
    PackedBack<Real> packed;
    packed.ih = arena.take<Real>(panel_count<Real>(shape.I), panels, cell.gates * W * W);
    packed.hh = arena.take<Real>(panel_count<Real>(shape.P), panels, cell.first * W * W);
    packed.second = arena.take<Real>(has_second(cell, shape) ? second : 0, panels, W * W);
    packed.bytes = arena.bytes();
    return packed;
}

template <class Real>
std::size_t packed_back_bytes(const CellForm& cell, const Shape& shape) {
    return cut_packed_back<Real>(cell, shape, nullptr).bytes;
}

template <class Real>
void pack_backward(const CellForm& cell, const Shape& shape, const Weights<Real>& weights,
                   void* memory) {
    const Index H = shape.H, P = shape.P;
    const auto packed = cut_packed_back<Real>(cell, shape, memory);
    pack_transposed(weights.w_ih, H, shape.I, cell.input_gates, packed.ih);
    pack_transposed(weights.w_hh, H, P, in_order(cell.first), packed.hh);
    if (cell.second == Second::candidate) {
        pack_transposed(weights.w_hh, H, H, {1, {cell.gates - 1}}, packed.second);
    } else if (has_second(cell, shape)) {
        pack_transposed(weights.w_hr, P, H, in_order(1), packed.second);
    }
}

template <class Real>
struct BackScratch {
    std::size_t bytes;
    Index steps;               // of a block
    Index rows;                // of a block, at most
    Real* da;                  // [panel][row][slot][lane]: gradients of the gates' sums
    Real* d_projected;         // [panel of P][row][lane]: the gradient of what a projection made
    Real* second;              // [B][panel][lane]: the gradient of what a projection reads
    Real* inputs;              // [steps][B][P], for dropout
    Real* between;             // [row][H], what the second product read
    Real* carry[kMostStates];  // [B][panel][lane]: the gradient of the state before the step
    Real* d_restart[kMostStates];  // [B][panel][lane]
    Real* dw_ih;                   // [panel][I][G][lane]
    Real* dw_hh;                   // [panel][P][first][lane]
    Real* dw_second;               // [panel][H][1][lane]
    Real* db;                      // [panel][slot][lane]
    // Each member's own.
    Block<Real> block;
    const Real** between_rows;  // [row]
    Real* zeros;                // [max(P, H)]
};

template <class Real>
BackScratch<Real> cut_back_scratch(const CellForm& cell, const Shape& shape, const Team& team,
                                   const void* memory) {
    constexpr Index W = kLanes<Real>;
    const Index B = shape.B, H = shape.H, P = shape.P;
    const Index panels = panel_count<Real>(H), outputs = panel_count<Real>(P);
    const bool has = has_second(cell, shape);
    const bool projects = has && cell.second == Second::projection;
    const Index wanted = kBackwardRows / (B > 0 ? B : 1);
    Arena arena(memory);
    BackScratch<Real> scratch;
    scratch.steps = wanted < 1 ? 1 : wanted > shape.T ? shape.T : wanted;
    scratch.rows = scratch.steps * B;
    scratch.da = arena.take<Real>(panels, scratch.rows, cell.slots * W);
    scratch.d_projected = arena.take<Real>(projects ? outputs : 0, scratch.rows, W);
    scratch.second = arena.take<Real>(cell.second == Second::projection ? B : 0, panels, W);
    scratch.inputs = arena.take<Real>(scratch.steps, B, P);
    scratch.between = arena.take<Real>(has ? scratch.rows : 0, H);
    for (int s = 0; s < kMostStates; ++s) {
        const Index rows = s < cell.states ? B : 0;
        scratch.carry[s] = arena.take<Real>(rows, s == 0 ? outputs : panels, W);
        scratch.d_restart[s] = arena.take<Real>(rows, s == 0 ? outputs : panels, W);
    }
    scratch.dw_ih = arena.take<Real>(panels, shape.I, cell.gates * W);
    scratch.dw_hh = arena.take<Real>(panels, P, cell.first * W);
    scratch.dw_second = arena.take<Real>(has ? (projects ? outputs : panels) : 0, H, W);
    scratch.db = arena.take<Real>(panels, cell.slots, W);
    for (int member = 0; member <= (memory == nullptr ? team.size - 1 : team.member); ++member) {
        scratch.block = Block<Real>::cut(arena, scratch.steps, B);
        scratch.between_rows = arena.take<const Real*>(scratch.rows);
        scratch.zeros = arena.take<Real>(P > H ? P : H);
    }
    scratch.bytes = arena.bytes();
    return scratch;
}

template <class Real>
std::size_t back_scratch_bytes(const CellForm& cell, const Shape& shape, const Team& team) {
    return cut_back_scratch<Real>(cell, shape, team, nullptr).bytes;
}

// The gradients of the gates' sums, of all rows of the block.
template <class Real>
Gradients<Real> gate_gradients(const CellForm& cell, const BackScratch<Real>& scratch) {
    const Index row = cell.slots * kLanes<Real>;
    return {scratch.da, scratch.block.row_count(), row, scratch.rows * row};
}

// That of what a projection made.
template <class Real>
Gradients<Real> projected_gradients(const BackScratch<Real>& scratch) {
    constexpr Index W = kLanes<Real>;
    return {scratch.d_projected, scratch.block.row_count(), W, scratch.rows * W};
}

// What a cell's step back is given: the rows `range` of one step.
template <class Real>
struct StepBack {
    const CellForm& cell;
    const Shape& shape;
    const Part& part;
    const PackedBack<Real>& packed;
    const BackScratch<Real>& scratch;
    const Backward<Real>& back;
    const Walk<Real>& walk;
    Range range;
    Team& team;

    const Row<Real>& row(Index i) const { return scratch.block.rows[i]; }
    const Real* input(Index i) const { return scratch.block.input[i]; }

    // The gradient of what enters a gate: the slot of a row's panel.
    Real* da(Index i, Index panel, int slot) const {
        return scratch.da + ((panel * scratch.rows + i) * cell.slots + slot) * kLanes<Real>;
    }
    Real* carry(int state, Index i, Index panel) const {
        const Index units = state == 0 ? shape.P : shape.H;
        return scratch.carry[state] + (row(i).b * panel_count<Real>(units) + panel) * kLanes<Real>;
    }
    Real* second(Index i, Index panel) const {
        return scratch.second + (row(i).b * panel_count<Real>(shape.H) + panel) * kLanes<Real>;
    }
    Vec<Real> gate(Index i, Span span, int slot) const {
        return load(row(i).gates + slot * shape.H + span.first, span.width);
    }
};

// A gradient, and the parts of it that go to the new state and to the old one that was held.
template <class Real>
struct Split {
    Vec<Real> fresh, kept;
};

template <class Real>
[[gnu::always_inline]] inline Split<Real> split_held(const Shape& shape, const Walk<Real>& walk,
                                                     const Row<Real>& row, int state, Span span,
                                                     Vec<Real> d) {
    const std::uint8_t* const hold = held_of(shape, walk, row, state);
    if (hold == nullptr) return {d, Vec<Real>{}};
    const Bits<Real> mask = load_mask<Real>(hold + span.first, span.width);
    return {mask ? Vec<Real>{} : d, mask ? d : Vec<Real>{}};
}

// ∂L/∂h_t along every path, which is handed out here.
template <class Real>
inline Vec<Real> arriving(const StepBack<Real>& s, Index i, Index panel, Span span) {
    const Row<Real>& row = s.row(i);
    Vec<Real> d = load(s.carry(0, i, panel));
    const Real* const dh = at(s.back.dh, row.t, row.b);
    if (dh != nullptr) d += load(dh + span.first, span.width);
    Real* const through = at(s.back.through[0], row.t, row.b);
    if (through != nullptr) store(through + span.first, d, span.width);
    return d;
}

// The gradient of the state before the step; where a reset stood in between, it is the restart's.
template <class Real>
[[gnu::always_inline]] inline void hand_back(const StepBack<Real>& s, int state, Index i,
                                             Index panel, Vec<Real> d) {
    Real* const carry = s.carry(state, i, panel);
    if (restarts(s.walk, s.row(i).t, s.row(i).b)) {
        Real* const restart = s.scratch.d_restart[state] + (carry - s.scratch.carry[state]);
        store(restart, load(restart) + d);
        d = Vec<Real>{};
    }
    store(carry, d);
}

// What dropout multiplied h with on its way into the products, it does the gradient on its way out.
template <class Real>
[[gnu::always_inline]] inline Vec<Real> dropped(const StepBack<Real>& s, Index i, Span span,
                                                Vec<Real> d) {
    const Real* const dropout = s.walk.dropout;
    if (dropout == nullptr) return d;
    return d * load(dropout + s.row(i).b * s.shape.P + span.first, span.width);
}

// The last product of a step back: what has gone into `carry` so far, and W_hhᵀ da.
template <class Real>
void carry_back(const StepBack<Real>& s) {
    wait_for_units(s.team);
    const Gradients<Real> da = gate_gradients(s.cell, s.scratch).from(s.cell.hidden_slot);
    multiply<1>(storage<Real>(), s.range, s.part.outputs,
                from_zero(da.times(s.packed.hh, panel_count<Real>(s.shape.H), s.cell.first)),
                [&](const Tile& some, const Vec<Real>* sums) {
                    by_size<1>(some, [&](const auto& tile) {
                        tile.each([&](Index item, Index i, Index panel) {
                            const Vec<Real> direct = load(s.carry(0, i, panel));
                            const Span span = span_of<Real>(s.shape.P, panel);
                            hand_back(s, 0, i, panel, direct + dropped(s, i, span, sums[item]));
                        });
                    });
                });
}

// Everything of a block that sums over its rows, and dx. The members share the columns of the
// weights and the rows of dx: however many they are, every sum runs over the rows in one order.
template <class Real>
void sum_block(const CellForm& cell, const Shape& shape, const PackedBack<Real>& packed,
               const BackScratch<Real>& scratch, const Backward<Real>& back, const Team& team) {
    const Index rows = scratch.block.row_count(), panels = panel_count<Real>(shape.H);
    const Gradients<Real> da = gate_gradients(cell, scratch);
    const Range all = {0, panels};
    for (Index i = 0; i < rows; ++i) scratch.between_rows[i] = scratch.between + i * shape.H;
    const auto columns = [&](Index K) { return share_of_tiles(K, team.member, team.size); };
    if (back.dw_ih != nullptr) {
        add_outer(cell.gates, da, all, scratch.block.x, columns(shape.I), shape.I, scratch.dw_ih);
    }
    if (back.dw_hh != nullptr) {
        add_outer(cell.first, da.from(cell.hidden_slot), all, scratch.block.input, columns(shape.P),
                  shape.P, scratch.dw_hh);
        if (cell.second == Second::candidate) {
            add_outer(1, da, all, scratch.between_rows, columns(shape.H), shape.H,
                      scratch.dw_second);
        }
    }
    if (back.dw_hr != nullptr) {
        add_outer(1, projected_gradients(scratch), {0, panel_count<Real>(shape.P)},
                  scratch.between_rows, columns(shape.H), shape.H, scratch.dw_second);
    }
    if (back.db_ih != nullptr || back.db_hh != nullptr) {
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

// The carried gradients of the member's rows and panels, as the pass begins.
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
                const Index offset = (b * panel_count<Real>(units) + p) * W;
                const Real* const d = back.d_final[s];
                store(scratch.carry[s] + offset,
                      d == nullptr ? Vec<Real>{} : load(d + b * units + span.first, span.width));
                store(scratch.d_restart[s] + offset, Vec<Real>{});
            }
        }
    }
}

// The outputs that are complete when the walk is over: gradients of states, and zeros of rows that
// rest. Every member writes rows of its own, and one the restarts'.
template <class Real>
void finish_states(const CellForm& cell, const Shape& shape, const BackScratch<Real>& scratch,
                   const Backward<Real>& back, const Team& team) {
    constexpr Index W = kLanes<Real>;
    const Range rows = share(shape.B, team.member, team.size);
    const std::int64_t* const lengths = back.pass.walk.lengths;
    for (Index b = rows.first; b < rows.end; ++b) {
        for (Index t = lengths == nullptr ? shape.T : lengths[b]; t < shape.T; ++t) {
            clear(at(back.dx, t, b), shape.I);
            clear(at(back.through[0], t, b), shape.P);
            if (cell.states > 1) clear(at(back.through[1], t, b), shape.H);
        }
    }
    for (int s = 0; s < cell.states; ++s) {
        const Index units = s == 0 ? shape.P : shape.H, panels = panel_count<Real>(units);
        for (Index b = rows.first; b < rows.end && back.d_initial[s] != nullptr; ++b) {
            copy(back.d_initial[s] + b * units, scratch.carry[s] + b * panels * W, units);
        }
        if (back.d_restart[s] == nullptr || team.member != 0) continue;
        for (Index p = 0; p < panels; ++p) {
            Vec<Real> sum = {};
            for (Index b = 0; b < shape.B; ++b) {
                sum += load(scratch.d_restart[s] + (b * panels + p) * W);
            }
            const Span span = span_of<Real>(units, p);
            store(back.d_restart[s] + span.first, sum, span.width);
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
    }
}

template <class Real>
void clear_sums(const CellForm& cell, const Shape& shape, const BackScratch<Real>& scratch) {
    // The arrays lie one behind the other, with zeros or nothing between them.
    const Index count =
        scratch.db + panel_count<Real>(shape.H) * cell.slots * kLanes<Real> - scratch.dw_ih;
    clear(scratch.dw_ih, count);
}

template <class Cell, class Real>
void backward(const Shape& shape, const void* packed_memory, const Backward<Real>& back,
              void* scratch_memory, Team& team) {
    constexpr const CellForm& cell = Cell::form;
    const auto packed = cut_packed_back<Real>(cell, shape, packed_memory);
    BackScratch<Real> scratch = cut_back_scratch<Real>(cell, shape, team, scratch_memory);
    const Part part = part_of<Real>(shape, team);
    const Forward<Real>& pass = back.pass;
    const Index saved = cell.saved * shape.H;
    // The last of the saved slots is c, where there is one.
    const bool has_c = cell.states > 1 && pass.gates != nullptr;
    Real* const c = has_c ? pass.gates + saved - shape.H : nullptr;
    const States<Real> states = {
        {{const_cast<Real*>(pass.h.data), pass.h.step, pass.h.row}, {c, shape.B * saved, saved}},
        scratch.zeros};
    if (team.member == 0) clear_sums(cell, shape, scratch);
    clear(scratch.zeros, shape.P > shape.H ? shape.P : shape.H);
    start_back(cell, shape, part, scratch, back);
    for (Index end = shape.T; end > 0; end -= scratch.steps) {
        const Index first = end > scratch.steps ? end - scratch.steps : 0;
        list_rows(shape, pass, states, cell.states, cell.saved, {0, shape.B}, {first, end},
                  scratch.inputs, scratch.steps, scratch.block);
        for (Index step = end - first; step-- > 0;) {
            const Range range = rows_within(scratch.block, step, part.rows);
            drop_inputs(shape, pass.walk, scratch.block, range, part.outputs);
            Cell::step_back(
                StepBack<Real>{cell, shape, part, packed, scratch, back, pass.walk, range, team});
        }
        team.wait();
        sum_block(cell, shape, packed, scratch, back, team);
        team.wait();
    }
    if (shape.T == 0) team.wait();
    finish_states(cell, shape, scratch, back, team);
    finish_weights(cell, shape, scratch, back, team);
}

}  // namespace gruta::GRUTA_ISA
