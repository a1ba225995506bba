// Layer norm of the products that enter the gates.
//
// A norm takes the mean off a gate's H products. Here the weights have lost theirs before, when
// they were packed: each column of a gate's H rows sums to 0, and so do the products. What is left
// of the norm is a division by the root of the mean square, and on the way back one sum instead of
// two; the gradients of the weights lose the mean of their columns at the end, and that of x loses
// nothing, since the weights that it meets are centred too.
//
// A row's products are kept in a record: [x, h][panel][gate][lane], gates in the order of the
// panel, and then 1/σ of each, [x, h][place of the gate].
#pragma once

#include "gruta/kernels/pack.h"
#include "gruta/kernels/saved.h"

namespace gruta::GRUTA_ISA {

// A record's products of one side.
template <class Real>
constexpr Index side_size(const CellForm& cell, Index H) {
    return panel_count<Real>(H) * cell.gates * kLanes<Real>;
}

// The room that a record has for them.
template <class Real>
constexpr Index side_room(const CellForm& cell, const Shape& shape) {
    const Index size = side_size<Real>(cell, shape.H);
    return is_halved<Real>(shape) ? coded_room<Real>(size) : size;
}

// The room of 1/σ in a record, whole vectors.
template <class Real>
constexpr Index kScaleRoom = (2 * kMostGates + kLanes<Real> - 1) / kLanes<Real> * kLanes<Real>;

// Numbers of a row and step that the way back reads.
template <class Real>
constexpr Index saved_size(const CellForm& cell, const Shape& shape) {
    const Index slots = slot_place<Real>(cell, shape, cell.saved);
    if (!shape.normed) return slots;
    return slots + 2 * side_room<Real>(cell, shape) + kScaleRoom<Real>;
}

// The products of a row and, side by side, 1/σ of each of their gates: [x, h][kMostGates], or null.
template <class Real>
struct Record {
    Real *x, *h, *scales;

    // Behind the gates of a row; where they are halved the products are `Coded`.
    static Record of(const CellForm& cell, const Shape& shape, Real* gates) {
        Real* const from = gates + slot_place<Real>(cell, shape, cell.saved);
        const Index room = side_room<Real>(cell, shape);
        return {from, from + room, from + 2 * room};
    }
};

// Products of a side of a saved record, from a place on.
template <class Real>
[[gnu::always_inline]] inline Vec<Real> load_products(const Shape& shape, const Real* side,
                                                      Index at) {
    if constexpr (sizeof(Real) == sizeof(float)) {
        if (shape.halved) return load_code<Code::number>(coded(side) + at, kLanes<Real>);
    }
    return load(side + at);
}

// Whether this member writes what all that share a row's units come to.
inline bool saves(const Team& team) {
    return !team.splits_units || team.member == 0;
}

// What one of H numbers has of their mean.
template <class Real>
Real share_of_mean(const Shape& shape) {
    return Real(1) / static_cast<Real>(shape.H);
}

// Columns of the weights that are centred, at most.
inline Index most_columns(const Shape& shape) {
    return shape.I > shape.P ? shape.I : shape.P;
}

// Sets [gate][K] to the means of the columns of weights [.·H, K] in those blocks of H rows, and
// returns it; null where the layer is not normed.
template <class Real>
const Real* column_means(const Shape& shape, const Real* weights, Index K, const Gates& gates,
                         Real* to) {
    if (!shape.normed) return nullptr;
    constexpr Index W = kLanes<Real>;
    const Index H = shape.H;
    const Vec<Real> share = splat(share_of_mean<Real>(shape));
    for (int g = 0; g < gates.count; ++g) {
        Real* const means = to + g * K;
        for (Index k = 0; k < K; ++k) means[k] = 0;
        for (Index row = gates.at[g] * H; row < (gates.at[g] + 1) * H; ++row) {
            for (Index k = 0; k < K; k += W) {
                const Index count = K - k < W ? K - k : W;
                store(means + k, load(means + k, count) + load(weights + row * K + k, count),
                      count);
            }
        }
        for (Index k = 0; k < K; k += W) {
            const Index count = K - k < W ? K - k : W;
            store(means + k, load(means + k, count) * share, count);
        }
    }
    return to;
}

// A norm's gains to [panel][G][x, h][lane].
template <class Real>
void pack_gains(const CellForm& cell, Index H, const Weights<Real>& weights, Real* gains) {
    const int G = cell.gates;
    clear(gains, 2 * side_size<Real>(cell, H));
    for (int g = 0; g < G; ++g) {
        add_bias(weights.norm[0], H, cell.order.at[g], 2 * G, 2 * g, gains);
        add_bias(weights.norm[2], H, cell.order.at[g], 2 * G, 2 * g + 1, gains);
    }
}

template <class Real, int bit, int... J>
[[gnu::always_inline]] inline Vec<Real> traded_lanes(Vec<Real> v,
                                                     std::integer_sequence<int, J...>) {
    return __builtin_shufflevector(v, v, (J ^ bit)...);
}

// The sum of the lanes, in all of them.
template <class Real, int bit = kLanes<Real> / 2>
[[gnu::always_inline]] inline Vec<Real> lane_total(Vec<Real> v) {
    if constexpr (bit == 0) {
        return v;
    } else {
        constexpr auto lanes = std::make_integer_sequence<int, kLanes<Real>>();
        return lane_total<Real, bit / 2>(v + traded_lanes<Real, bit>(v, lanes));
    }
}

[[gnu::always_inline]] inline float square_root(float a) {
    return __builtin_sqrtf(a);
}
[[gnu::always_inline]] inline double square_root(double a) {
    return __builtin_sqrt(a);
}

// 1/σ of N gates side by side in a row's products, `stride` from panel to panel; `share` is 1/H. A
// few sums of each, in turns: one would wait for its own last addition.
template <int N, class Real>
void find_scales(const Real* products, Index stride, Index panels, Real share, Real* scales) {
    constexpr Index W = kLanes<Real>;
    constexpr int turns = N == 1 ? 4 : 2;
    Vec<Real> sums[turns][N] = {};
    const auto add = [&](int turn) __attribute__((always_inline)) {
        unrolled<N>([&](int g) __attribute__((always_inline)) {
            const Vec<Real> p = load(products + g * W);
            sums[turn][g] = multiply_add<Real>(p, p, sums[turn][g]);
        });
        products += stride;
    };
    for (; panels >= turns; panels -= turns) unrolled<turns>(add);
    unrolled<turns - 1>([&](int turn) __attribute__((always_inline)) {
        if (turn < panels) add(turn);
    });
    unrolled<N>([&](int g) __attribute__((always_inline)) {
        Vec<Real> total = sums[0][g] + sums[1][g];
        if constexpr (turns == 4) total += sums[2][g] + sums[3][g];
        const Real mean = lane_total<Real>(total)[0] * share;
        scales[g] = Real(1) / square_root(mean + Real(kNormEpsilon));
    });
}

}  // namespace gruta::GRUTA_ISA
