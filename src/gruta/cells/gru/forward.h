// The GRU's forward pass for one instruction set; kernel.h is its contract.
#pragma once

#include "gruta/cells/gru/kernel.h"
#include "gruta/kernels/arena.h"
#include "gruta/kernels/gemm.h"

namespace gruta::GRUTA_ISA::gru {

using gruta::gru::Sequence;
using gruta::gru::Shape;
using gruta::gru::Weights;

// How much of W_ih x + b_ih is computed ahead of the steps that use it: little enough to stay in L2
// beside the recurrent weights.
constexpr Index kProjectedBytes = 128 * 1024;

template <class Real>
struct Packed {
    std::size_t bytes;
    Real* w_ih;  // [panel][I][3][lane]
    Real* w_hh;  // [panel][H][3][lane]; reset before: r and z as [panel][H][2][lane]
    Real* w_hn;  // reset before only: [panel][H][1][lane]
    Real* bias;  // [panel][3][lane]: b_ih, with b_hh added for r and z
    Real* b_hn;  // [panel][lane]
};

template <class Real>
Packed<Real> cut_packed(const Shape& shape, const void* memory) {
    constexpr Index W = kLanes<Real>;
    const Index panels = panel_count<Real>(shape.H);
    Arena arena(memory);
    Packed<Real> packed;
    packed.w_ih = arena.take<Real>(panels, shape.I, 3 * W);
    packed.w_hh = arena.take<Real>(panels, shape.H, (shape.reset_after ? 3 : 2) * W);
    packed.w_hn = arena.take<Real>(panels, shape.H, shape.reset_after ? 0 : W);
    packed.bias = arena.take<Real>(panels, 3 * W);
    packed.b_hn = arena.take<Real>(panels, W);
    packed.bytes = arena.bytes();
    return packed;
}

// One row of the batch at one step.
template <class Real>
struct Row {
    const Real* projected;  // [panel][3][lane]
    const Real* h_before;   // [H]
    Real* h;                // [H]
    Real* gates;            // [4H] or null
};

template <class Real>
struct Scratch {
    std::size_t bytes;
    Index steps;      // how many are projected at once
    Real* projected;  // [steps · B][panel][3][lane]
    Row<Real>* rows;  // [B]
    Real* z;          // reset before only: [B][panel][lane]
    Real* reset_h;    // reset before only: [B][H], r ⊙ h
};

template <class Real>
Scratch<Real> cut_scratch(const Shape& shape, const void* memory) {
    constexpr Index W = kLanes<Real>;
    const Index panels = panel_count<Real>(shape.H);
    const Index B = shape.B;
    Arena arena(memory);
    Scratch<Real> scratch;
    scratch.rows = arena.take<Row<Real>>(B);
    scratch.z = arena.take<Real>(shape.reset_after ? 0 : B, panels, W);
    scratch.reset_h = arena.take<Real>(shape.reset_after ? 0 : B, shape.H);

    const Index panel_bytes = 3 * W * static_cast<Index>(sizeof(Real));
    const Index steps = kProjectedBytes / panel_bytes / panels / (B > 0 ? B : 1);
    scratch.steps = steps < 1 ? 1 : steps > shape.T ? shape.T : steps;
    scratch.projected = arena.take<Real>(scratch.steps * B, panels, 3 * W);
    scratch.bytes = arena.bytes();
    return scratch;
}

template <class Real>
void pack_weights(const Shape& shape, const Weights<Real>& weights, void* memory) {
    constexpr Index W = kLanes<Real>;
    const Index H = shape.H;
    const Packed<Real> packed = cut_packed<Real>(shape, memory);
    pack<3>(weights.w_ih, H, shape.I, packed.w_ih);
    if (shape.reset_after) {
        pack<3>(weights.w_hh, H, H, packed.w_hh);
    } else {
        pack<2>(weights.w_hh, H, H, packed.w_hh);
        pack<1>(weights.w_hh + 2 * H * H, H, H, packed.w_hn);
    }
    const auto at = [H](const Real* bias, Index gate, Index unit) {
        return bias == nullptr || unit >= H ? Real(0) : bias[gate * H + unit];
    };
    for (Index unit = 0; unit < panel_count<Real>(H) * W; ++unit) {
        Real* const bias = packed.bias + unit / W * 3 * W + unit % W;
        bias[0] = at(weights.b_ih, 0, unit) + at(weights.b_hh, 0, unit);
        bias[W] = at(weights.b_ih, 1, unit) + at(weights.b_hh, 1, unit);
        bias[2 * W] = at(weights.b_ih, 2, unit);
        packed.b_hn[unit] = at(weights.b_hh, 2, unit);
    }
}

// projected[row] = W_ih x[row] + bias, for `count` rows of x that follow each other.
template <class Real>
void project(const Shape& shape, const Packed<Real>& packed, const Real* x, Index count,
             Real* projected) {
    constexpr Index W = kLanes<Real>;
    const Index I = shape.I;
    const Index panels = panel_count<Real>(shape.H);
    for (Index p = 0; p < panels; ++p) {
        const Real* const panel = packed.w_ih + p * I * 3 * W;
        const Real* const bias = packed.bias + p * 3 * W;
        for_each_tile(0, count, [=]<int R>(Rows<R>, Index first) {
            const Real* inputs[R];
            for (int r = 0; r < R; ++r) inputs[r] = x + (first + r) * I;
            Vec<Real> sum[R][3];
            multiply(inputs, panel, I, sum);
            for (int r = 0; r < R; ++r) {
                Real* const to = projected + ((first + r) * panels + p) * 3 * W;
                for (int g = 0; g < 3; ++g) store(to + g * W, sum[r][g] + load(bias + g * W));
            }
        });
    }
}

// Where a panel's units lie in the arrays of a row.
struct Span {
    Index H, first, width;
};

template <class Real>
inline void store_gate(const Row<Real>& row, Span span, Index gate, Vec<Real> value) {
    if (row.gates != nullptr) store(row.gates + gate * span.H + span.first, value, span.width);
}

// n and h' from z, q and what r leaves of q in the candidate.
template <class Real>
inline void finish(const Row<Real>& row, Span span, Vec<Real> z, Vec<Real> q, Vec<Real> kept_q) {
    constexpr Index W = kLanes<Real>;
    const Vec<Real> h = load(row.h_before + span.first, span.width);
    const Vec<Real> n = tanh<Real>(load(row.projected + 3 * span.first + 2 * W) + kept_q);
    store(row.h + span.first, (Real(1) - z) * n + z * h, span.width);
    store_gate(row, span, 2, n);
    store_gate(row, span, 3, q);
}

template <class Real>
void step_reset_after(const Shape& shape, const Packed<Real>& packed, const Row<Real>* rows,
                      Index count) {
    constexpr Index W = kLanes<Real>;
    const Index H = shape.H;
    for (Index p = 0; p < panel_count<Real>(H); ++p) {
        const Span span = {H, p * W, panel_width<Real>(H, p)};
        const Real* const panel = packed.w_hh + p * H * 3 * W;
        const Real* const b_hn = packed.b_hn + p * W;
        for_each_tile(0, count, [=]<int R>(Rows<R>, Index first) {
            const Real* states[R];
            for (int r = 0; r < R; ++r) states[r] = rows[first + r].h_before;
            Vec<Real> sum[R][3];
            multiply(states, panel, H, sum);
            for (int i = 0; i < R; ++i) {
                const Row<Real>& row = rows[first + i];
                const Real* const projected = row.projected + 3 * span.first;
                const Vec<Real> r = sigmoid<Real>(load(projected) + sum[i][0]);
                const Vec<Real> z = sigmoid<Real>(load(projected + W) + sum[i][1]);
                const Vec<Real> q = sum[i][2] + load(b_hn);
                store_gate(row, span, 0, r);
                store_gate(row, span, 1, z);
                finish(row, span, z, q, r * q);
            }
        });
    }
}

// The candidate's product needs r of every unit, so the gates are finished first.
template <class Real>
void step_reset_before(const Shape& shape, const Packed<Real>& packed, const Row<Real>* rows,
                       Index count, const Scratch<Real>& scratch) {
    constexpr Index W = kLanes<Real>;
    const Index H = shape.H;
    const Index panels = panel_count<Real>(H);
    for (Index p = 0; p < panels; ++p) {
        const Span span = {H, p * W, panel_width<Real>(H, p)};
        const Real* const panel = packed.w_hh + p * H * 2 * W;
        for_each_tile(0, count, [=]<int R>(Rows<R>, Index first) {
            const Real* states[R];
            for (int r = 0; r < R; ++r) states[r] = rows[first + r].h_before;
            Vec<Real> sum[R][2];
            multiply(states, panel, H, sum);
            for (int i = 0; i < R; ++i) {
                const Row<Real>& row = rows[first + i];
                const Real* const projected = row.projected + 3 * span.first;
                const Vec<Real> r = sigmoid<Real>(load(projected) + sum[i][0]);
                const Vec<Real> z = sigmoid<Real>(load(projected + W) + sum[i][1]);
                const Vec<Real> h = load(row.h_before + span.first, span.width);
                store(scratch.reset_h + (first + i) * H + span.first, r * h, span.width);
                store(scratch.z + ((first + i) * panels + p) * W, z);
                store_gate(row, span, 0, r);
                store_gate(row, span, 1, z);
            }
        });
    }
    for (Index p = 0; p < panels; ++p) {
        const Span span = {H, p * W, panel_width<Real>(H, p)};
        const Real* const panel = packed.w_hn + p * H * W;
        const Real* const b_hn = packed.b_hn + p * W;
        for_each_tile(0, count, [=]<int R>(Rows<R>, Index first) {
            const Real* states[R];
            for (int r = 0; r < R; ++r) states[r] = scratch.reset_h + (first + r) * H;
            Vec<Real> sum[R][1];
            multiply(states, panel, H, sum);
            for (int i = 0; i < R; ++i) {
                const Vec<Real> z = load(scratch.z + ((first + i) * panels + p) * W);
                const Vec<Real> q = sum[i][0] + load(b_hn);
                finish(rows[first + i], span, z, q, q);
            }
        });
    }
}

template <class Real>
inline void clear(Real* to, Index count) {
    __builtin_memset(to, 0, static_cast<std::size_t>(count) * sizeof(Real));
}

// Lists the rows that take a step at time t and clears the outputs of those that are past their
// length; returns how many are listed. A row that steps finds its state in h, at the time before.
template <class Real>
Index gather_rows(const Shape& shape, const Sequence<Real>& sequence, Index t,
                  const Real* projected, Row<Real>* rows) {
    const Index B = shape.B, H = shape.H;
    const Index projected_stride = panel_count<Real>(H) * 3 * kLanes<Real>;
    Index count = 0;
    for (Index b = 0; b < B; ++b) {
        Real* const h = sequence.h + (t * B + b) * H;
        Real* const gates =
            sequence.gates == nullptr ? nullptr : sequence.gates + (t * B + b) * 4 * H;
        const Index length = sequence.lengths == nullptr ? shape.T : sequence.lengths[b];
        if (t >= length) {
            clear(h, H);
            if (gates != nullptr) clear(gates, 4 * H);
            continue;
        }
        const bool starts = t == (sequence.reverse ? length - 1 : 0);
        const Real* const h_before = starts             ? sequence.h_0 + b * H
                                     : sequence.reverse ? h + B * H
                                                        : h - B * H;
        rows[count++] = {projected + b * projected_stride, h_before, h, gates};
    }
    return count;
}

template <class Real>
void copy_last_states(const Shape& shape, const Sequence<Real>& sequence) {
    const Index B = shape.B, H = shape.H;
    for (Index b = 0; b < B; ++b) {
        const Index length = sequence.lengths == nullptr ? shape.T : sequence.lengths[b];
        const Index last = sequence.reverse ? 0 : length - 1;
        const Real* const from =
            length == 0 ? sequence.h_0 + b * H : sequence.h + (last * B + b) * H;
        __builtin_memmove(sequence.h_n + b * H, from, static_cast<std::size_t>(H) * sizeof(Real));
    }
}

template <class Real>
void forward(const Shape& shape, const void* packed_memory, const Sequence<Real>& sequence,
             void* scratch_memory) {
    const Packed<Real> packed = cut_packed<Real>(shape, packed_memory);
    const Scratch<Real> scratch = cut_scratch<Real>(shape, scratch_memory);
    const Index B = shape.B, T = shape.T;
    const Index projected_step = B * panel_count<Real>(shape.H) * 3 * kLanes<Real>;
    for (Index done = 0; done < T; done += scratch.steps) {
        const Index steps = T - done < scratch.steps ? T - done : scratch.steps;
        const Index first = sequence.reverse ? T - done - steps : done;
        project(shape, packed, sequence.x + first * B * shape.I, steps * B, scratch.projected);
        for (Index step = 0; step < steps; ++step) {
            const Index offset = sequence.reverse ? steps - 1 - step : step;
            const Index count =
                gather_rows(shape, sequence, first + offset,
                            scratch.projected + offset * projected_step, scratch.rows);
            if (shape.reset_after) {
                step_reset_after(shape, packed, scratch.rows, count);
            } else {
                step_reset_before(shape, packed, scratch.rows, count, scratch);
            }
        }
    }
    copy_last_states(shape, sequence);
}

template <class Real>
std::size_t packed_bytes(const Shape& shape) {
    return cut_packed<Real>(shape, nullptr).bytes;
}

template <class Real>
std::size_t scratch_bytes(const Shape& shape) {
    return cut_scratch<Real>(shape, nullptr).bytes;
}

template <class Real>
constexpr gruta::gru::Kernels<Real> kernels = {packed_bytes<Real>, pack_weights<Real>,
                                               scratch_bytes<Real>, forward<Real>};

}  // namespace gruta::GRUTA_ISA::gru
