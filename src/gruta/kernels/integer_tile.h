// Products with weights of 8 bits: whole numbers, each row with what it is to be multiplied by. The
// rows that they meet are rounded alike, each step by itself; sums of the products are exact.
//
// A number v of a row whose largest is m becomes q, the whole number nearest to 127 v / m (ties to
// even), and stands for q · m / 127. A sum is start + float(Σ q q') · (scale of the weights' row ·
// scale of the row), every operation rounded by itself: the same bits in every instruction set.
#pragma once

#include "gruta/kernels/integers.h"
#include "gruta/kernels/pack.h"

namespace gruta::GRUTA_ISA {

constexpr float kLargestInt8 = 127;

// Of a row below it nothing is left: 127 / m would be no number.
constexpr float kSmallestRow = 0x1p-100f;

// The whole number nearest to v, |v| < 2²², in the low bits.
[[gnu::always_inline]] inline Bits<float> nearest(Vec<float> v) {
    return reinterpret_cast<Bits<float>>(apart(v) + 0x1.8p23f);
}

// A rounded row: its scale, the sum of its numbers below 0 without its sign, and a cache line on
// the whole numbers, zeros behind the last.
constexpr Index kRoundedHeader = 64;

inline Index rounded_bytes(Index K) {
    return kRoundedHeader + (K + 63) / 64 * 64;
}

// The scale of numbers of which none is larger, by the bits of that one; NaN where one is no finite
// number.
inline float scale_of(std::int32_t largest_bits) {
    float largest;
    __builtin_memcpy(&largest, &largest_bits, sizeof largest);
    if (largest_bits >= 0x7f800000) return __builtin_nanf("");
    return largest < kSmallestRow ? 0 : largest / kLargestInt8;
}

inline void round_row(const float* row, Index K, void* to) {
    constexpr Index W = kLanes<float>;
    Bits<float> most = {};
    const auto look = [&](Vec<float> v) __attribute__((always_inline)) {
        const Bits<float> bits = reinterpret_cast<Bits<float>>(v) & 0x7fffffff;
        most = bits > most ? bits : most;  // bits of positive numbers are ordered as they are
    };
    Index k = 0;
    for (; k + W <= K; k += W) look(load(row + k));
    if (k < K) look(load(row + k, K - k));
    std::int32_t largest_bits = 0;
    for (Index lane = 0; lane < W; ++lane) {
        if (most[lane] > largest_bits) largest_bits = most[lane];
    }
    float largest;
    __builtin_memcpy(&largest, &largest_bits, sizeof largest);
    const float scale = scale_of(largest_bits);
    const Vec<float> inverse = splat(scale > 0 ? kLargestInt8 / largest : 0.0f);
    __builtin_memcpy(to, &scale, sizeof scale);
    auto* const bytes = static_cast<std::int8_t*>(to) + kRoundedHeader;
    constexpr Index at_once = 4 * W;
    Bits<float> below = {};
    std::int32_t numbers[at_once];
    const auto number = [&](Vec<float> v, Index at) __attribute__((always_inline)) {
        const Bits<float> found = nearest(v * inverse) << 24 >> 24;
        below -= found < 0 ? found : 0;
        __builtin_memcpy(numbers + at, &found, sizeof found);
    };
    for (k = 0; k + at_once <= K; k += at_once) {
        unrolled<4>([&](int i) { number(load(row + k + i * W), i * W); });
        for (Index i = 0; i < at_once; ++i) bytes[k + i] = static_cast<std::int8_t>(numbers[i]);
    }
    for (; k < K; k += W) {
        const Index some = K - k < W ? K - k : W;
        number(load(row + k, some), 0);
        for (Index i = 0; i < W; ++i) bytes[k + i] = static_cast<std::int8_t>(numbers[i]);
    }
    std::int32_t in_all = 0;
    for (Index lane = 0; lane < W; ++lane) in_all += below[lane];
    __builtin_memcpy(static_cast<std::int8_t*>(to) + sizeof scale, &in_all, sizeof in_all);
}

inline IntegerRow rounded_row(const void* at) {
    IntegerRow row;
    __builtin_memcpy(&row.scale, at, sizeof row.scale);
    __builtin_memcpy(&row.below, static_cast<const std::int8_t*>(at) + sizeof row.scale,
                     sizeof row.below);
    row.numbers = static_cast<const std::int8_t*>(at) + kRoundedHeader;
    return row;
}

constexpr Index kIntegerHeader = 8;  // bytes of a scale and a total

// As `pack` in pack.h; a row's largest weight is 127.
inline void pack_integers(const float* weights, Index H, Index K, const Gates& gates,
                          const float* means, void* packed) {
    constexpr Index W = kLanes<float>;
    const Index lanes = gates.count * W, panel_bytes = (kIntegerHeader + (K + 3) / 4 * 4) * lanes;
    auto* first = static_cast<std::int8_t*>(packed);
    for (Index p = 0; p < panel_count<float>(H); ++p, first += panel_bytes) {
        auto* const scales = reinterpret_cast<float*>(first);
        auto* const totals = reinterpret_cast<std::int32_t*>(scales + lanes);
        auto* const bytes = reinterpret_cast<std::int8_t*>(totals + lanes);
        __builtin_memset(first, 0, static_cast<std::size_t>(panel_bytes));
        for (int g = 0; g < gates.count; ++g) {
            for (Index lane = 0; lane < panel_width<float>(H, p); ++lane) {
                const float* const row = weights + (gates.at[g] * H + p * W + lane) * K;
                const float* const mean = means == nullptr ? nullptr : means + g * K;
                const auto at = [&](Index k) {
                    return mean == nullptr ? row[k] : row[k] - mean[k];
                };
                std::int32_t most = 0;
                for (Index k = 0; k < K; ++k) {
                    const float weight = at(k);
                    std::int32_t bits;
                    __builtin_memcpy(&bits, &weight, sizeof bits);
                    most = (bits & 0x7fffffff) > most ? bits & 0x7fffffff : most;
                }
                const Index place = g * W + lane;
                const float scale = scale_of(most);
                scales[place] = scale;
                for (Index k = 0; scale > 0 && k < K; ++k) {
                    const float shifted = at(k) / scale + 0x1.8p23f;
                    const auto q = static_cast<std::int8_t>(shifted - 0x1.8p23f);
                    bytes[(k / 4 * lanes + place) * 4 + k % 4] = q;
                    totals[place] += q;
                }
            }
        }
    }
}

// One row and P panels.
template <int G, int P>
void multiply_integer_tile(const Product<float>& product, Index row, Index panel,
                           Vec<float>* found) {
    constexpr Index W = kLanes<float>;
    const Start<float>& given = product.start;
    const IntegerSums<float> to = {reinterpret_cast<float*>(found), P * W, W};
    IntegerStart start = {{given.first + row * given.row + panel * given.panel, W, given.panel},
                          nullptr};
    for (int i = 0; i < product.count; ++i) {
        const Term<float>& term = product.terms[i];
        if (G == 3 && product.aside != nullptr && i + 1 == product.count) {
            const IntegerSums<const float>& sums = start.sums;
            unrolled<P>([&](int p) {
                product.aside[p] = load(sums.first + (G - 1) * sums.gate + p * sums.panel);
            });
            start.last = product.apart + panel * W;
        }
        const auto* const packed = static_cast<const std::int8_t*>(term.weights);
        const IntegerWeights weights = {packed + panel * term.panel, term.panel,
                                        (term.layout.length + 3) / 4, P};
        const IntegerRow x =
            rounded_row(term.rows.listed != nullptr ? term.rows.listed[row]
                                                    : term.rows.first + row * term.rows.stride);
        integer_products->of_gates[G - 1](x, weights, start, to);
        start = {{to.first, to.gate, to.panel}, nullptr};
    }
}

template <int G, int P>
constexpr void list_integer_tiles(Tiles<float>& tiles) {
    tiles.of[1][P] = multiply_integer_tile<G, P>;
    if constexpr (P < tile_panels(1, G)) {
        list_integer_tiles<G, 2 * P>(tiles);
    } else {
        tiles.widest[1] = P;
    }
}

template <int G>
constexpr Tiles<float> integer_tiles() {
    Tiles<float> tiles = {};
    list_integer_tiles<G, 1>(tiles);
    return tiles;
}

}  // namespace gruta::GRUTA_ISA
