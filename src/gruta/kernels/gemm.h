// The products of rows with packed weights.
//
// A panel is one vector's width of units. Weights stand as [panel][k][G][lane]: all G gates of a
// panel side by side, so that the sums of a few rows for every gate stay in registers until they
// are complete. Lanes past the last unit hold zeros.
//
// Every sum runs over k from first to last in one accumulator. A row's result therefore has the
// same bits in whichever tile the row falls: alone, in any batch, with any number of threads.
#pragma once

#include "gruta/kernels/simd.h"

namespace gruta::GRUTA_ISA {

template <class Real>
constexpr Index panel_count(Index units) {
    return units / kLanes<Real> + (units % kLanes<Real> != 0);
}

// Units of a panel: kLanes, or what is left in the last one.
template <class Real>
constexpr Index panel_width(Index units, Index panel) {
    const Index left = units - panel * kLanes<Real>;
    return left < kLanes<Real> ? left : kLanes<Real>;
}

// From `first` up to but not including `end`.
struct Range {
    Index first, end;

    Index size() const { return end - first; }
};

// The part of `whole` that falls to `member` of `size`, in order, of sizes that differ by at most
// one.
constexpr Range share(Index whole, Index member, Index size) {
    return {whole * member / size, whole * (member + 1) / size};
}

// Sums that a tile keeps in registers, beside the weights and one number of a row.
constexpr int kAccumulators = kRegisters * 3 / 4;

// Rows of a full tile.
template <int G>
constexpr int kTileRows = G == 1 ? kAccumulators / 3 : kAccumulators / G;

// Panels that a tile of R rows takes at once: as many as fit, so that even one row keeps enough
// sums under way to hide how long an addition takes.
constexpr int tile_panels(int R, int G) {
    const int most = G == 1 ? 8 : 4;
    int panels = 1;
    while (panels * 2 <= most && R * G * panels * 2 <= kAccumulators) panels *= 2;
    return panels;
}

// How the k's of a row lie in memory: `segments` runs of `length` numbers, `stride` apart.
struct Layout {
    Index segments, length, stride;
};

constexpr Layout dense(Index K) {
    return {1, K, 0};
}

// How many of K weights are stored: whole words of as many as one load reads.
template <class Weight>
constexpr Index stored_count(Index K) {
    constexpr Index size = kWordWeights<Weight>;
    return (K + size - 1) / size * size;
}

// Numbers of a packed panel.
template <int G, class Real, class Weight>
constexpr Index packed_panel(Layout layout) {
    return layout.segments * stored_count<Weight>(layout.length) * G * kLanes<Real>;
}

// The sums of a tile, [G][P][R], and what they are products of.
template <int P, int R, int G, class Real, class Weight>
struct Multiplier {
    static constexpr int words = kWordWeights<Weight>;

    const Real* row[R];
    Index panel_size;
    Vec<Real> sum[G * P * R];

    // Adds the products of N of a word's weights with what stands at k in the rows.
    template <int N>
    [[gnu::always_inline]] void add(const Weight* word, Index k) {
        for (int p = 0; p < P; ++p) {
            Vec<Real> weights[G][words];
            for (int g = 0; g < G; ++g) {
                load_word(word + p * panel_size + g * words * kLanes<Real>, weights[g]);
            }
            for (int n = 0; n < N; ++n) {
                for (int r = 0; r < R; ++r) {
                    for (int g = 0; g < G; ++g) {
                        sum[(g * P + p) * R + r] += weights[g][n] * row[r][k + n];
                    }
                }
            }
        }
    }
};

// sums[g][p][r] += Σ_k rows[r][k] · panel p [k][g]
template <int P, int R, int G, class Real, class Weight>
[[gnu::noinline]] void multiply_tile(const Real* const* rows, Layout layout, const Weight* panels,
                                     Vec<Real>* sums) {
    Multiplier<P, R, G, Real, Weight> by;
    constexpr int words = by.words;
    constexpr Index word_size = words * G * kLanes<Real>;
    by.panel_size = packed_panel<G, Real, Weight>(layout);
    unrolled<R>([&](int r) { by.row[r] = rows[r]; });
    unrolled<G * P * R>([&](int i) { by.sum[i] = sums[i]; });
    for (Index segment = 0; segment < layout.segments; ++segment) {
        Index k = 0;
        for (; k + words <= layout.length; k += words, panels += word_size) {
            by.template add<words>(panels, k);
        }
        if (words > 1 && k < layout.length) {
            by.template add<1>(panels, k);
            panels += word_size;
        }
        unrolled<R>([&](int r) { by.row[r] += layout.stride; });
    }
    unrolled<G * P * R>([&](int i) { sums[i] = by.sum[i]; });
}

// What a product works on at a time: the sums of some rows in some panels. An item is one of each.
// Its sizes are known while compiling: what is done with a few sums is then as short as it can be.
template <int kPanels, int kRows>
struct Tile {
    static constexpr Index panels = kPanels, rows = kRows, count = kPanels * kRows;
    Index row, panel;

    // f(item, row, panel) for every item.
    template <class F>
    void each(const F& f) const {
        for (Index p = 0, item = 0; p < panels; ++p) {
            for (Index r = 0; r < rows; ++r, ++item) f(item, row + r, panel + p);
        }
    }
};

// Items of a tile, at most.
template <int G>
constexpr int kMostItems = kAccumulators / G;

// The product of a tile, added to its sums [G][item].
template <int G, class Real, int P, int R, class Weight, class RowAt>
inline void add_product(const Tile<P, R>& tile, Layout layout, const Weight* weights,
                        const RowAt& row_at, Vec<Real>* sums) {
    const Real* rows[R];
    for (int r = 0; r < R; ++r) rows[r] = row_at(tile.row + r);
    const Weight* const panels = weights + tile.panel * packed_panel<G, Real, Weight>(layout);
    multiply_tile<P, R, G, Real>(rows, layout, panels, sums);
}

// Rows times packed weights, as `multiply` takes them.
template <class Weight, class RowAt>
struct Factors {
    Layout layout;
    const Weight* weights;
    RowAt row_at;
};
// Clang before 17 does not deduce an aggregate's.
template <class Weight, class RowAt>
Factors(Layout, const Weight*, RowAt) -> Factors<Weight, RowAt>;

// A tile of R rows after the other, as many panels wide as fit.
template <int P, int R, int G, class Real, class Factors, class Start, class Use>
inline void multiply_panels(Index first_row, Range panels, const Factors& factors,
                            const Start& start, const Use& use) {
    Vec<Real> sums[G * P * R];
    Tile<P, R> tile = {first_row, panels.first};
    for (; tile.panel + P <= panels.end; tile.panel += P) {
        start(tile, sums);
        add_product<G, Real>(tile, factors.layout, factors.weights, factors.row_at, sums);
        use(tile, sums);
    }
    if constexpr (P > 1) {
        const Range rest = {tile.panel, panels.end};
        multiply_panels<P / 2, R, G, Real>(first_row, rest, factors, start, use);
    }
}

// The last rows, fewer than a full tile: as many as R of them.
template <int R, int G, class Real, class Factors, class Start, class Use>
inline void multiply_rest(Range rows, Range panels, const Factors& factors, const Start& start,
                          const Use& use) {
    if constexpr (R > 0) {
        if (rows.size() == R) {
            constexpr int P = tile_panels(R, G);
            multiply_panels<P, R, G, Real>(rows.first, panels, factors, start, use);
        } else {
            multiply_rest<R - 1, G, Real>(rows, panels, factors, start, use);
        }
    }
}

// The sums over k of row_at(row)[k] · weights[panel][k][g] for every row in `rows` and panel in
// `panels`, a tile at a time: start(tile, sums) sets the sums [G][item] to what the product
// is added to, and use(tile, sums) takes them away.
template <int G, class Real, class Weight, class RowAt, class Start, class Use>
void multiply(Range rows, Range panels, const Factors<Weight, RowAt>& factors, const Start& start,
              const Use& use) {
    constexpr int R = kTileRows<G>;
    constexpr int P = tile_panels(R, G);
    const Index full = rows.first + rows.size() / R * R;
    for (Index panel = panels.first; panel < panels.end; panel += P) {
        const Range some = {panel, panel + P < panels.end ? panel + P : panels.end};
        for (Index row = rows.first; row < full; row += R) {
            multiply_panels<P, R, G, Real>(row, some, factors, start, use);
        }
    }
    multiply_rest<R - 1, G, Real>({full, rows.end}, panels, factors, start, use);
}

// The start of a product that stands alone.
template <int G>
constexpr auto from_zero = []<class V>(const auto& tile, V* sums) {
    for (Index i = 0; i < tile.count * G; ++i) sums[i] = V{};
};

}  // namespace gruta::GRUTA_ISA
