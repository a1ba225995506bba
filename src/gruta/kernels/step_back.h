// What a cell's step back is given: the weights for the way back, the scratch of a block of steps,
// and what the steps of all cells have in common.
#pragma once

#include "gruta/kernels/forward.h"
#include "gruta/kernels/outer.h"

namespace gruta::GRUTA_ISA {

// Rows of a block, about: enough for the products over all of them to run at full speed, and few
// enough for their gradients to stay in the cache between the step and what sums over it.
constexpr Index kBackwardRows = 128;

// A large batch goes back in parts, each through all of its steps, one after the other.
inline Index row_parts(Index B) {
    return B < 2 * kBackwardRows ? 1 : B / kBackwardRows;
}
inline Index most_rows_of_part(Index B) {
    return B / row_parts(B) + (B % row_parts(B) != 0);
}

// The weights for the way back, transposed, gates in the order of the slots.
template <class Real>
struct PackedBack {
    std::size_t bytes;
    Real* ih;      // [panel of I][panel of H][G][lane][lane]
    Real* hh;      // [panel of P][panel of H][first][lane][lane]
    Real* second;  // [panel of H][panel][1][lane][lane]: over H for a candidate, P for a projection
    Real* gains;   // as `Packed` has them
    Real* means;
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
    packed.gains = arena.take<Real>(shape.normed ? panels : 0, cell.gates, 2 * W);
    packed.means = arena.take<Real>(shape.normed ? cell.gates : 0, most_columns(shape));
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
    const auto pack = [&](const Real* from, Index N, const Gates& gates, Real* to) {
        const Real* const means = column_means(shape, from, N, gates, packed.means);
        pack_transposed(from, H, N, gates, means, to);
    };
    pack(weights.w_ih, shape.I, cell.input_gates, packed.ih);
    pack(weights.w_hh, P, in_order(cell.first), packed.hh);
    if (cell.second == Second::candidate) {
        pack(weights.w_hh, H, {1, {cell.gates - 1}}, packed.second);
    } else if (has_second(cell, shape)) {
        pack_transposed<Real>(weights.w_hr, P, H, in_order(1), nullptr, packed.second);
    }
    if (shape.normed) pack_gains(cell, H, weights, packed.gains);
}

template <class Real>
struct BackScratch {
    std::size_t bytes;
    Index steps;        // of a block
    Index rows;         // that a block has room for
    Index first_row;    // of the part of the batch
    Real* da;           // [panel][row][slot][lane]: gradients of the gates' sums
    Real* dp;           // [panel][row][gate][lane]: those of W_hh h, where it is normalised
    Real* along;        // [row][kMostGates]: how much of W_ih x that of its own has
    Real* d_projected;  // [panel of P][row][lane]: the gradient of what a projection made
    // [B]: of the part of the batch.
    Real* second;                  // [B][panel][lane]: the gradient of what a projection reads
    Real* inputs;                  // [steps][B][P], for dropout
    Real* between;                 // [row][H], what the second product read
    Real* carry[kMostStates];      // [B][panel][lane]: the gradient of the state before the step
    Real* d_restart[kMostStates];  // [B][panel][lane]
    Real* dw_ih;                   // [panel][I][G][lane]
    Real* dw_hh;                   // [panel][P][first][lane]
    Real* dw_second;               // [panel][H][1][lane]
    Real* db;                      // [panel][slot][lane]
    Real* d_gains;                 // [panel][G][x, h][lane]
    // Each member's own.
    Block<Real> block;
    const Real** between_rows;  // [row]
    Real* zeros;                // [max(P, H)]
};

template <class Real>
BackScratch<Real> cut_back_scratch(const CellForm& cell, const Shape& shape, const Team& team,
                                   const void* memory) {
    constexpr Index W = kLanes<Real>;
    const Index B = most_rows_of_part(shape.B), H = shape.H, P = shape.P;
    const Index panels = panel_count<Real>(H), outputs = panel_count<Real>(P);
    const bool has = has_second(cell, shape);
    const bool projects = has && cell.second == Second::projection;
    const Index wanted = kBackwardRows / (B > 0 ? B : 1);
    Arena arena(memory);
    BackScratch<Real> scratch;
    scratch.steps = wanted < 1 ? 1 : wanted > shape.T ? shape.T : wanted;
    // Odd, so that the panels of a row do not all fall on the same few lines of a cache.
    scratch.rows = (scratch.steps * B) | 1;
    scratch.first_row = 0;
    scratch.da = arena.take<Real>(panels, scratch.rows, cell.slots * W);
    scratch.dp = arena.take<Real>(shape.normed ? panels : 0, scratch.rows, cell.gates * W);
    scratch.along = arena.take<Real>(shape.normed ? scratch.rows : 0, kMostGates);
    scratch.d_projected = arena.take<Real>(projects ? outputs : 0, scratch.rows, W);
    scratch.second = arena.take<Real>(cell.second == Second::projection ? B : 0, panels, W);
    scratch.inputs = arena.take<Real>(scratch.steps, shape.B, P);
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
    scratch.d_gains = arena.take<Real>(shape.normed ? panels : 0, cell.gates, 2 * W);
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

// Those of the product with h, [gate]: of all gates that read h, and of the candidate's own.
template <class Real>
Gradients<Real> hidden_gradients(const CellForm& cell, const Shape& shape,
                                 const BackScratch<Real>& scratch) {
    const Gradients<Real> da = gate_gradients(cell, scratch);
    if (!shape.normed) return da.from(cell.hidden_slot);
    const Index row = cell.gates * kLanes<Real>;
    return {scratch.dp, da.rows, row, scratch.rows * row};
}
template <class Real>
Gradients<Real> candidate_gradients(const CellForm& cell, const Shape& shape,
                                    const BackScratch<Real>& scratch) {
    if (!shape.normed) return gate_gradients(cell, scratch);
    return hidden_gradients(cell, shape, scratch).from(cell.gates - 1);
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
        const Index panels = panel_count<Real>(state == 0 ? shape.P : shape.H);
        return scratch.carry[state] + (place(i) * panels + panel) * kLanes<Real>;
    }
    Real* second(Index i, Index panel) const {
        return scratch.second + (place(i) * panel_count<Real>(shape.H) + panel) * kLanes<Real>;
    }
    // Of a row in the part of the batch.
    Index place(Index i) const { return row(i).b - scratch.first_row; }
};

template <class Cell, int slot, class Real>
[[gnu::always_inline]] inline Vec<Real> saved(const StepBack<Real>& s, Index i, Span span) {
    return load_saved<Cell, slot>(s.shape, s.row(i), span);
}

// Asks the memory for what the way back will read of the next row in a panel. Where a layer is
// normed that lies in more pieces, and shorter ones, than the CPU foresees.
template <class Cell, class Real>
[[gnu::always_inline]] inline void fetch_ahead(const StepBack<Real>& s, Index i, Index panel) {
    constexpr const CellForm& cell = Cell::form;
    constexpr Index W = kLanes<Real>, width = cell.gates * W, line = 64 / sizeof(Real);
    if (!s.shape.normed || i + 1 >= s.range.end) return;
    Real* const next = s.row(i + 1).gates;
    const Index size = s.shape.H, part = is_halved<Real>(s.shape) ? 2 : 1;
    unrolled<cell.saved>(
        [&](int slot) { __builtin_prefetch(next + (slot * size + panel * W) / part); });
    const Record<Real> record = Record<Real>::of(cell, s.shape, next);
    for (Index at = panel * width; at < (panel + 1) * width; at += line * part) {
        __builtin_prefetch(record.x + at / part);
        __builtin_prefetch(record.h + at / part);
    }
}

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
    const Gradients<Real> da = hidden_gradients(s.cell, s.shape, s.scratch);
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

}  // namespace gruta::GRUTA_ISA
