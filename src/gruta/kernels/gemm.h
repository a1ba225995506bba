// The product of rows with packed weights: the one place where the multiplications happen.
//
// A weight matrix [G·H, K] with G gates of H rows is packed as [panel][K][G][lane]: a panel is one
// vector's width of hidden units, and all its gates stand side by side, so that the sums of a few
// rows for every gate stay in registers until the gate arithmetic has used them. Lanes past H hold
// zeros.
#pragma once

#include "simd.h"

namespace gruta::GRUTA_ISA {

template <class Real>
constexpr Index panel_count(Index H) {
    return H / kLanes<Real> + (H % kLanes<Real> != 0);
}

// Hidden units of a panel: kLanes, or what is left of H in the last one.
template <class Real>
constexpr Index panel_width(Index H, Index panel) {
    const Index left = H - panel * kLanes<Real>;
    return left < kLanes<Real> ? left : kLanes<Real>;
}

// weights: [G·H, K] contiguous; packed: [panel_count(H)][K][G][kLanes].
template <int G, class Real>
void pack(const Real* weights, Index H, Index K, Real* packed) {
    constexpr Index W = kLanes<Real>;
    for (Index p = 0; p < panel_count<Real>(H); ++p, packed += K * G * W) {
        const Index width = panel_width<Real>(H, p);
        for (Index g = 0; g < G; ++g) {
            for (Index lane = 0; lane < W; ++lane) {
                Real* const to = packed + g * W + lane;
                if (lane < width) {
                    const Real* const from = weights + (g * H + p * W + lane) * K;
                    for (Index k = 0; k < K; ++k) to[k * G * W] = from[k];
                } else {
                    for (Index k = 0; k < K; ++k) to[k * G * W] = 0;
                }
            }
        }
    }
}

// sum[r][g] = Σ_k rows[r][k] · panel[k][g], for R rows and the G gates of one panel.
// A tile with few sums would wait for each addition to finish, so it splits k over several sets.
template <class Real, int R, int G>
inline void multiply(const Real* const (&rows)[R], const Real* panel, Index K,
                     Vec<Real> (&sum)[R][G]) {
    constexpr Index W = kLanes<Real>;
    constexpr int wanted = kRegisters * 3 / 4 / (R * G);
    constexpr int sets = wanted > 1 ? wanted : 1;
    Vec<Real> partial[sets][R][G] = {};

    // All weights and one number of a row at a time: with the sums they just fill the registers.
    const auto add = [&](int set, Index k) {
        Vec<Real> weights[G];
        for (int g = 0; g < G; ++g) weights[g] = load(panel + (k * G + g) * W);
        for (int r = 0; r < R; ++r) {
            for (int g = 0; g < G; ++g) partial[set][r][g] += weights[g] * rows[r][k];
        }
    };
    Index k = 0;
    for (; k + sets <= K; k += sets) {
        for (int set = 0; set < sets; ++set) add(set, k + set);
    }
    for (; k < K; ++k) add(0, k);

    for (int r = 0; r < R; ++r) {
        for (int g = 0; g < G; ++g) {
            sum[r][g] = partial[0][r][g];
            for (int set = 1; set < sets; ++set) sum[r][g] += partial[set][r][g];
        }
    }
}

// As many rows as leave registers for the weights beside three gates' sums.
constexpr int kTileRows = kRegisters / 4;

template <int R>
struct Rows {};

// Calls tile(Rows<R>, first) for tiles of R rows that cover [first, end), the rest in smaller ones.
template <int R = kTileRows, class Tile>
inline void for_each_tile(Index first, Index end, const Tile& tile) {
    for (; end - first >= R; first += R) tile(Rows<R>{}, first);
    if constexpr (R > 1) for_each_tile<R / 2>(first, end, tile);
}

}  // namespace gruta::GRUTA_ISA
