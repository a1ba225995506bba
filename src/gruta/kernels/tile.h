// The products of a tile, for weights stored in one dtype.
#pragma once

#include "gruta/kernels/gemm.h"

namespace gruta::GRUTA_ISA {

// Adds to a tile's sums [G][item] the products of the N k's of a word with what stands there in the
// rows, and goes on to the next word.
template <int N, int G, int P, int R, class Real, class Weight>
inline void add_word(const Real* const (&rows)[R], Index k, const Weight* (&word)[P],
                     Vec<Real>* sums) {
    constexpr int words = kWordWeights<Weight>;
    for (int p = 0; p < P; ++p) {
        Vec<Real> weights[G][words];
        for (int g = 0; g < G; ++g) load_word(word[p] + g * words * kLanes<Real>, weights[g]);
        for (int n = 0; n < N; ++n) {
            for (int r = 0; r < R; ++r) {
                for (int g = 0; g < G; ++g) {
                    sums[(g * P + p) * R + r] += weights[g][n] * rows[r][k + n];
                }
            }
        }
        word[p] += words * G * kLanes<Real>;
    }
}

// Adds a term to a tile's sums [G][item].
template <int G, int P, int R, class Weight, class Real>
inline void add_term(const Term<Real>& term, Index row, Index panel, Vec<Real>* sums) {
    constexpr int words = kWordWeights<Weight>, at_once = R == 1 ? 4 / words : 1;
    const Layout& layout = term.layout;
    const Weight* word[P];
    unrolled<P>([&](int p) {
        word[p] = static_cast<const Weight*>(term.weights) + (panel + p) * term.panel;
        // Hides from GCC that these are one array: it would keep the distance to each vector in a
        // register of its own, and has too few.
        __asm__("" : "+r"(word[p]));
    });
    const Real* rows[R];
    if (term.rows.listed != nullptr) {
        unrolled<R>([&](int r) { rows[r] = term.rows.listed[row + r]; });
    } else {
        unrolled<R>([&](int r) { rows[r] = term.rows.first + (row + r) * term.rows.stride; });
    }
    for (Index segment = 0; segment < layout.segments; ++segment) {
        Index k = 0;
        // One row has few sums for every weight that is read: what counts the k's is felt there.
        for (; at_once > 1 && k + at_once * words <= layout.length; k += at_once * words) {
            unrolled<at_once>(
                [&](int n) { add_word<words, G, P, R, Real>(rows, k + n * words, word, sums); });
        }
        for (; k + words <= layout.length; k += words) {
            add_word<words, G, P, R, Real>(rows, k, word, sums);
        }
        if (words > 1 && k < layout.length) add_word<1, G, P, R, Real>(rows, k, word, sums);
        unrolled<R>([&](int r) { rows[r] += layout.stride; });
    }
}

template <int G, int P, int R, class Weight, class Real>
[[gnu::flatten]] void multiply_tile(const Product<Real>& product, Index row, Index panel,
                                    Vec<Real>* found) {
    constexpr Index W = kLanes<Real>;
    Vec<Real> sums[G * P * R];
    const Start<Real>& start = product.start;
    unrolled<P * R>([&](int item) {
        const Real* const from =
            start.first + (row + item % R) * start.row + (panel + item / R) * start.panel;
        unrolled<G>([&](int g) { sums[g * P * R + item] = load(from + g * W); });
    });
    for (int i = 0; i < product.count; ++i) {
        if (G == 3 && product.aside != nullptr && i + 1 == product.count) {
            unrolled<P * R>([&](int item) {
                Vec<Real>& last = sums[(G - 1) * P * R + item];
                product.aside[item] = last;
                last = load(product.apart + (panel + item / R) * W);
            });
        }
        add_term<G, P, R, Weight>(product.terms[i], row, panel, sums);
    }
    unrolled<G * P * R>([&](int i) { found[i] = sums[i]; });
}

// Lists the tiles of G gates, of R rows and fewer.
template <int G, int R, int P, class Weight, class Real>
constexpr void list_tiles(Tiles<Real>& tiles) {
    tiles.of[R][P] = multiply_tile<G, P, R, Weight, Real>;
    if constexpr (P < tile_panels(R, G)) {
        list_tiles<G, R, 2 * P, Weight>(tiles);
    } else {
        tiles.widest[R] = P;
        if constexpr (R > 1) list_tiles<G, R - 1, 1, Weight>(tiles);
    }
}

template <int G, class Weight, class Real>
constexpr Tiles<Real> tiles_of() {
    Tiles<Real> tiles = {};
    list_tiles<G, tile_rows(G), 1, Weight>(tiles);
    return tiles;
}

}  // namespace gruta::GRUTA_ISA
