// The forward pass of every cell: the inputs' product a block of steps at a time, then step by step
// the states. What a step computes is the cell's.
#pragma once

#include "gruta/kernels/activations.h"
#include "gruta/kernels/cell.h"
#include "gruta/kernels/norm.h"
#include "gruta/kernels/pack.h"
#include "gruta/kernels/walk.h"

namespace gruta::GRUTA_ISA {

// How much of W_ih x + bias is computed ahead of the steps that use it: little enough to stay in L2
// beside the recurrent weights.
constexpr Index kProjectedBytes = 128 * 1024;

// A member may begin a step while others still read what the step before has left.
constexpr Index kInputSteps = 2;

template <class Real>
struct Packed {
    const Storage<Real>& storage;
    std::size_t bytes;
    void* ih;       // [panel][I][G][lane]
    void* hh;       // [panel][P][first][lane]
    void* second;   // [panel][H][1][lane]
    Real* bias;     // [panel][G][lane]: b_ih and, but for the gate that keeps it apart, b_hh
    Real* b_apart;  // [panel][lane]: b_hh of that gate
    Real* gains;    // [panel][G][x, h][lane], where the layer is normed
    Real* means;    // [gate][the most of I and P], while packing

    // The products of K numbers in each row with weights of so many gates.
    Term<Real> term(Index K, int gates, const void* weights, const Rows<Real>& rows) const {
        return {{1, K, 0}, weights, storage.count(K) * gates * kLanes<Real>, rows};
    }
    Term<Real> term(Index K, int gates, const void* weights, const Real* const* rows) const {
        return term(K, gates, weights, Rows<Real>{rows, nullptr, 0});
    }
};

template <class Real>
Packed<Real> cut_packed(const CellForm& cell, const Shape& shape, const Storage<Real>& storage,
                        const void* memory) {
    constexpr Index W = kLanes<Real>;
    const Index panels = panel_count<Real>(shape.H), lane_bytes = W * storage.weight_bytes;
    const Index second = cell.second == Second::candidate ? panels : panel_count<Real>(shape.P);
    Arena arena(memory);
    const auto take = [&](Index panels_of, Index K, Index gates) {
        return arena.take<unsigned char>(panels_of, storage.count(K), gates * lane_bytes);
    };
    Packed<Real> packed = {storage, 0,       nullptr, nullptr, nullptr,
                           nullptr, nullptr, nullptr, nullptr};
    packed.ih = take(panels, shape.I, cell.gates);
    packed.hh = take(panels, shape.P, cell.first);
    packed.second = take(has_second(cell, shape) ? second : 0, shape.H, 1);
    packed.bias = arena.take<Real>(panels, cell.gates * W);
    packed.b_apart = arena.take<Real>(panels, W);
    packed.gains = arena.take<Real>(shape.normed ? panels : 0, cell.gates, 2 * W);
    packed.means = arena.take<Real>(shape.normed ? cell.gates : 0, most_columns(shape));
    packed.bytes = arena.bytes();
    return packed;
}

template <class Real>
void pack_forward(const CellForm& cell, const Shape& shape, const Weights<Real>& weights,
                  const Packed<Real>& packed) {
    const int G = cell.gates;
    const Index H = shape.H, P = shape.P;
    const auto pack = [&](const Real* from, Index K, const Gates& gates, void* to) {
        const Real* const means = column_means(shape, from, K, gates, packed.means);
        packed.storage.pack(from, H, K, gates, means, to);
    };
    pack(weights.w_ih, shape.I, cell.order, packed.ih);
    pack(weights.w_hh, P, cell.order.first(cell.first), packed.hh);
    if (cell.second == Second::candidate) {
        pack(weights.w_hh, H, {1, {G - 1}}, packed.second);
    } else if (has_second(cell, shape)) {
        packed.storage.pack(weights.w_hr, P, H, in_order(1), nullptr, packed.second);
    }
    const Index lanes = panel_count<Real>(H) * kLanes<Real>;
    clear(packed.bias, G * lanes);
    clear(packed.b_apart, lanes);
    if (shape.normed) pack_gains(cell, H, weights, packed.gains);
    const Real* const of_x[] = {weights.b_ih, weights.norm[1]};
    const Real* const of_h[] = {weights.b_hh, weights.norm[3]};
    for (int g = 0; g < G; ++g) {
        const int gate = cell.order.at[g];
        const bool apart = g == cell.apart;
        for (int i = 0; i < 2; ++i) {
            add_bias(of_x[i], H, gate, G, g, packed.bias);
            add_bias(of_h[i], H, gate, apart ? 1 : G, apart ? 0 : g,
                     apart ? packed.b_apart : packed.bias);
        }
    }
}

template <class Real>
struct ForwardScratch {
    std::size_t bytes;
    Index steps;  // of a block
    bool ahead;   // whether W_ih x of a block is computed before its steps
    Block<Real> block;
    Real* projected;            // [rows of a block][panel][G][lane], what is computed ahead
    const Real* starts;         // the same, where a step finds it
    Real* inputs;               // [2][B][P], for dropout
    Real* between;              // [B][H], what the second product reads
    const Real** between_rows;  // [row of a block]: where a row's begins
    // What the products read, [row of a block] each: rows as they are, or rounded.
    const Real **x_rows, **input_rows;
    Real *rounded_x, *rounded_input, *rounded_between;  // [row of a block or of a step]
    Real* kept;   // [B][panel][lane], what the second product's end needs of the first's
    Real* zeros;  // [max(P, H)]
    // Where the layer is normed, `projected` has no bias; it and `hidden` stand in for a record.
    Real* hidden;           // [B][panel][G][lane]: W_hh h
    Real* scale_x;          // [row of a block][kMostGates]: 1/σ of W_ih x
    Record<Real>* records;  // [row of a block]
};

template <class Real>
ForwardScratch<Real> cut_forward_scratch(const CellForm& cell, const Storage<Real>& storage,
                                         const Shape& shape, const Team& team, const void* memory) {
    constexpr Index W = kLanes<Real>;
    const int G = cell.gates;
    const Index panels = panel_count<Real>(shape.H), rows = most_rows(shape, team);
    const Index second = has_second(cell, shape) ? shape.B : 0;
    const Index panel_bytes = G * W * static_cast<Index>(sizeof(Real));
    const Index fitting = kProjectedBytes / panel_bytes / panels / (rows > 0 ? rows : 1);
    Arena arena(memory);
    ForwardScratch<Real> scratch;
    // A full tile of rows uses the weights often enough to read those of the input at every step.
    scratch.ahead = cell.first < G || rows < tile_rows(G) || shape.normed;
    scratch.steps = fitting < 1 ? 1 : fitting > shape.T ? shape.T : fitting;
    scratch.inputs = arena.take<Real>(kInputSteps, shape.B, shape.P);
    scratch.between = arena.take<Real>(second, shape.H);
    scratch.kept = arena.take<Real>(cell.second == Second::candidate ? second : 0, panels, W);
    scratch.hidden = arena.take<Real>(shape.normed ? shape.B : 0, panels, G * W);
    const bool shared = shape.normed && team.splits_units, rounds = storage.rounding != nullptr;
    const auto take_projected = [&](bool here) {
        return arena.take<Real>(here ? scratch.steps * rows : 0, panels, G * W);
    };
    scratch.projected = take_projected(shared);
    // The rest is each member's own.
    for (int member = 0; member <= (memory == nullptr ? team.size - 1 : team.member); ++member) {
        scratch.block = Block<Real>::cut(arena, scratch.steps, rows);
        scratch.between_rows = arena.take<const Real*>(second > 0 ? scratch.steps : 0, rows);
        scratch.x_rows = scratch.block.x;
        scratch.input_rows = scratch.block.input;
        if (rounds) {
            scratch.x_rows = arena.take<const Real*>(scratch.steps, rows);
            scratch.input_rows = arena.take<const Real*>(scratch.steps, rows);
        }
        scratch.rounded_x = arena.take<Real>(scratch.steps, rows, storage.rounded(shape.I));
        scratch.rounded_input = arena.take<Real>(rows, storage.rounded(shape.P));
        scratch.rounded_between = arena.take<Real>(second > 0 ? rows : 0, storage.rounded(shape.H));
        if (!shared) scratch.projected = take_projected(scratch.ahead);
        scratch.starts = scratch.projected;
        scratch.scale_x = arena.take<Real>(shape.normed ? scratch.steps : 0, rows, kMostGates);
        scratch.records = arena.take<Record<Real>>(shape.normed ? scratch.steps : 0, rows);
        scratch.zeros = arena.take<Real>(shape.P > shape.H ? shape.P : shape.H);
    }
    scratch.bytes = arena.bytes();
    return scratch;
}

template <class Real>
std::size_t forward_scratch_bytes(const CellForm& cell, const Storage<Real>& storage,
                                  const Shape& shape, const Team& team) {
    return cut_forward_scratch<Real>(cell, storage, shape, team, nullptr).bytes;
}

// The biases as what sums start at.
template <class Real>
Start<Real> at_bias(const CellForm& cell, const Packed<Real>& packed) {
    return {packed.bias, 0, cell.gates * kLanes<Real>};
}

// The first product of every step: W_ih x + bias, where it was computed ahead or here, and W_hh h;
// where that is to be normalised, nothing else.
template <class Real>
Product<Real> step_product(const CellForm& cell, const Shape& shape, const Packed<Real>& packed,
                           const ForwardScratch<Real>& scratch, Vec<Real>* aside) {
    const Index width = cell.gates * kLanes<Real>;
    const Index row = panel_count<Real>(shape.H) * width;
    const Term<Real> input = packed.term(shape.I, cell.gates, packed.ih, scratch.x_rows);
    const Term<Real> hidden = packed.term(shape.P, cell.first, packed.hh, scratch.input_rows);
    Product<Real> product;
    if (shape.normed) return from_zero(hidden);
    if (scratch.ahead) {
        product = {{scratch.starts, row, width}, 1, {hidden}};
    } else {
        product = {at_bias(cell, packed), 2, {input, hidden}};
    }
    if (cell.apart >= 0 && cell.apart < cell.first) {
        product.aside = aside;
        product.apart = packed.b_apart;
    }
    return product;
}

// What a cell's step is given: the rows `range` of one step, and the member's part of the work.
template <class Real>
struct Step {
    const Shape& shape;
    const Part& part;
    const Packed<Real>& packed;
    const Product<Real>& product;
    const ForwardScratch<Real>& scratch;
    const Walk<Real>& walk;
    Range range;
    Team& team;
    Vec<Real>* aside;  // [item]: what x adds to the gate that keeps b_hh apart

    const Row<Real>& row(Index i) const { return scratch.block.rows[i]; }
    const Real* input(Index i) const { return scratch.block.input[i]; }

    // W_ih x + bias of a row's panel, [gate][lane], where it was computed ahead.
    const Real* projected(Index i, Index panel, int gates) const {
        return scratch.starts + (i * panel_count<Real>(shape.H) + panel) * gates * kLanes<Real>;
    }
    Real* kept(Index i, Index panel) const {
        return scratch.kept + (row(i).b * panel_count<Real>(shape.H) + panel) * kLanes<Real>;
    }
};

// All bits set where the byte is not zero.
template <class Real>
inline Bits<Real> load_mask(const std::uint8_t* from, Index count) {
    typedef std::uint8_t Bytes __attribute__((vector_size(GRUTA_VECTOR_BYTES / sizeof(Real))));
    Bytes bytes = {};
    __builtin_memcpy(&bytes, from, static_cast<std::size_t>(count));
    return __builtin_convertvector(bytes, Bits<Real>) != 0;
}

// Stores the state after the step, `fresh` but for what is held of the old one, and returns it.
template <class Real>
[[gnu::always_inline]] inline Vec<Real> settle(const Shape& shape, const Walk<Real>& walk,
                                               const Row<Real>& row, int state, Span span,
                                               Vec<Real> fresh) {
    const std::uint8_t* const hold = held_of(shape, walk, row, state);
    if (hold != nullptr || walk.held != 0) {
        const Vec<Real> old = load(row.before[state] + span.first, span.width);
        fresh = hold != nullptr ? (load_mask<Real>(hold + span.first, span.width) ? old : fresh)
                                : multiply_add<Real>(splat(walk.held), old - fresh, fresh);
    }
    store(row.after[state] + span.first, fresh, span.width);
    return fresh;
}

// A product of so many rows and panels, to to(row) + [panel][lane] numbers, `stride` from panel to
// panel.
template <int G, class Real, class To>
void multiply_to(const Storage<Real>& storage, Range rows, Range panels,
                 const Product<Real>& product, Index stride, const To& to) {
    multiply<G>(storage, rows, panels, product, [&](const Tile& tile, const Vec<Real>* sums) {
        by_size<G>(tile, [&](const auto& sized) {
            const Index count = sized.count();
            sized.each([&](Index item, Index i, Index panel) {
                Real* const at = to(i) + panel * stride;
                for (int g = 0; g < G; ++g) store(at + g * kLanes<Real>, sums[g * count + item]);
            });
        });
    });
}

// W_ih x + bias of so many rows, to projected [row][panel][G][lane].
template <int G, class Real>
void project(const CellForm& cell, const Shape& shape, Range panels, const Packed<Real>& packed,
             const Rows<Real>& x, Index rows, Real* projected) {
    constexpr Index width = G * kLanes<Real>;
    const Index row = panel_count<Real>(shape.H) * width;
    const Product<Real> product = {
        at_bias(cell, packed), 1, {packed.term(shape.I, G, packed.ih, x)}};
    multiply_to<G>(packed.storage, {0, rows}, panels, product, width,
                   [&](Index i) { return projected + i * row; });
}

// Where the rows of a block have their products: among what is saved, or in the scratch, from where
// they are coded if they are. Who saves them leaves nothing of a record unwritten.
template <class Real>
void list_records(const CellForm& cell, const Shape& shape, const ForwardScratch<Real>& scratch,
                  bool saving) {
    const Index size = side_size<Real>(cell, shape.H);
    for (Index i = 0; i < scratch.block.row_count(); ++i) {
        const Row<Real>& row = scratch.block.rows[i];
        Record<Real>& record = scratch.records[i];
        record = {scratch.projected + i * size, scratch.hidden + row.b * size, nullptr};
        if (row.gates == nullptr) continue;
        const auto saved = Record<Real>::of(cell, shape, row.gates);
        if (!is_halved<Real>(shape)) record = saved;
        record.scales = saved.scales;
        if (saving) clear(saved.scales, kScaleRoom<Real>);
    }
}

// W_ih x of the rows of a block, and 1/σ of each gate. Every member needs all of a row, so where
// they share its units they wait for each other.
template <int G, class Real>
void project_normed(const Shape& shape, const Part& part, const Packed<Real>& packed,
                    const ForwardScratch<Real>& scratch, Team& team) {
    constexpr Index width = G * kLanes<Real>;
    const Index rows = scratch.block.row_count();
    const Rows<Real> x = {scratch.x_rows, nullptr, 0};
    multiply_to<G>(packed.storage, {0, rows}, part.units,
                   from_zero(packed.term(shape.I, G, packed.ih, x)), width,
                   [&](Index i) { return scratch.records[i].x; });
    wait_for_units(team);
    const Index panels = panel_count<Real>(shape.H);
    const Real share = share_of_mean<Real>(shape);
    for (Index i = 0; i < rows; ++i) {
        const Record<Real>& record = scratch.records[i];
        Real* const scales = scratch.scale_x + i * kMostGates;
        find_scales<G>(record.x, width, panels, share, scales);
        if (record.scales != nullptr && saves(team)) copy(record.scales, scales, G);
    }
}

// Where the rows of a block find what the second product reads.
template <class Real>
void list_between(const Shape& shape, const ForwardScratch<Real>& scratch) {
    for (Index i = 0; i < scratch.block.row_count(); ++i) {
        scratch.between_rows[i] = scratch.between + scratch.block.rows[i].b * shape.H;
    }
}

// Rounds the rows `range`, of K numbers each, into `rounded`, one behind the other, and lists where
// they lie. Each member does so for all that it reads.
template <class Real>
void round_rows(const Storage<Real>& storage, const Real* const* rows, Range range, Index K,
                Real* rounded, const Real** listed) {
    for (Index i = range.first; i < range.end; ++i, rounded += storage.rounded(K)) {
        storage.rounding->round(rows[i], K, rounded);
        listed[i] = rounded;
    }
}

// Before the second product, once all members have what it reads.
template <class Real>
void round_between(const Storage<Real>& storage, const Shape& shape, Range range,
                   const ForwardScratch<Real>& scratch) {
    if (storage.rounding == nullptr) return;
    round_rows<Real>(storage, scratch.between_rows, range, shape.H, scratch.rounded_between,
                     scratch.between_rows);
}

// Zeros where rows rest, and the final states of the member's rows.
template <class Real>
void finish_pass(const Shape& shape, Range rows, const Forward<Real>& pass, int states,
                 Index saved) {
    const Walk<Real>& walk = pass.walk;
    for (Index b = rows.first; b < rows.end; ++b) {
        const Index length = walk.lengths == nullptr ? shape.T : walk.lengths[b];
        for (Index t = length; t < shape.T; ++t) {
            clear(at(pass.h, t, b), shape.P);
            if (pass.gates != nullptr) {
                clear(pass.gates + (t * shape.B + b) * saved, saved);
            }
        }
        const Real* const last = length == 0 ? pass.initial[0] + b * shape.P
                                             : at(pass.h, walk.reverse ? 0 : length - 1, b);
        copy(pass.final[0] + b * shape.P, last, shape.P);
        if (states > 1 && length == 0) {
            copy(pass.final[1] + b * shape.H, pass.initial[1] + b * shape.H, shape.H);
        }
    }
}

template <class Cell, class Real>
void forward(const Shape& shape, const Packed<Real>& packed, const Forward<Real>& pass,
             void* scratch_memory, Team& team) {
    constexpr const CellForm& cell = Cell::form;
    const Storage<Real>& storage = packed.storage;
    ForwardScratch<Real> scratch =
        cut_forward_scratch<Real>(cell, storage, shape, team, scratch_memory);
    const Part part = part_of<Real>(shape, team, {0, shape.B});
    const Index saved = saved_size<Real>(cell, shape);
    clear(scratch.zeros, shape.P > shape.H ? shape.P : shape.H);
    // c needs no place for every step: it is brought forward where the final state will stand.
    const States<Real> states = {{pass.h, {pass.final[1], 0, shape.H}}, scratch.zeros};
    const bool given = pass.projected != nullptr;
    if (given) {
        scratch.ahead = true;
        scratch.starts = pass.projected +
                         part.rows.first * panel_count<Real>(shape.H) * cell.gates * kLanes<Real>;
    }
    Vec<Real> aside[kMostSums];
    Product<Real> product = step_product(cell, shape, packed, scratch, aside);
    product.turned = pass.turned;
    for (Index done = 0; done < shape.T; done += scratch.steps) {
        const Index end = done + scratch.steps < shape.T ? done + scratch.steps : shape.T;
        list_rows(shape, pass, states, cell.states, saved, part.rows, {done, end}, scratch.inputs,
                  kInputSteps, scratch.block);
        if (has_second(cell, shape)) list_between(shape, scratch);
        const Range all = {0, scratch.block.row_count()};
        if (storage.rounding != nullptr && !given) {
            round_rows<Real>(storage, scratch.block.x, all, shape.I, scratch.rounded_x,
                             scratch.x_rows);
        }
        if (shape.normed) {
            list_records(cell, shape, scratch, saves(team));
            project_normed<cell.gates>(shape, part, packed, scratch, team);
        } else if (scratch.ahead && !given) {
            project<cell.gates>(cell, shape, part.units, packed, {scratch.x_rows, nullptr, 0},
                                all.end, scratch.projected);
        }
        for (Index step = 0; step < end - done; ++step) {
            const Range range = scratch.block.of(step);
            drop_inputs(shape, pass.walk, scratch.block, range, part.outputs);
            wait_for_units(team);
            if (storage.rounding != nullptr) {
                round_rows<Real>(storage, scratch.block.input, range, shape.P,
                                 scratch.rounded_input, scratch.input_rows);
            }
            Cell::step(
                Step<Real>{shape, part, packed, product, scratch, pass.walk, range, team, aside});
            product.turned = !product.turned;
        }
    }
    wait_for_units(team);
    const Range own = share(shape.B, team.member, team.size);
    finish_pass(shape, own, pass, cell.states, saved);
}

}  // namespace gruta::GRUTA_ISA
