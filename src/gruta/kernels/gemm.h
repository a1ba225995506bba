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

// How the k's of a row lie in memory: `segments` runs of `length` numbers, `stride` apart. Handed
// on by reference: a copy is written in words and read back as a vector, which has to wait until
// all that was stored before has reached the cache.
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
constexpr Index packed_panel(const Layout& layout) {
    return layout.segments * stored_count<Weight>(layout.length) * G * kLanes<Real>;
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

    // The same, written out: sums that f sets stay in registers.
    template <class F>
    void each_unrolled(const F& f) const {
        unrolled<kPanels * kRows>(
            [&](int item) { f(item, row + item % kRows, panel + item / kRows); });
    }
};

// Items of a tile, at most.
template <int G>
constexpr int kMostItems = kAccumulators / G;

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

// Rows that lie `stride` numbers apart.
template <class Real>
struct Spaced {
    const Real* first;
    Index stride;

    const Real* operator()(Index row) const { return first + row * stride; }
};

// Adds to a tile's sums [G][item] the products of the N k's of a word with what stands there in the
// rows.
template <int N, int G, int P, int R, class Real, class Weight>
inline void add_word(const Real* const (&rows)[R], Index k, const Weight* word, Index panel_size,
                     Vec<Real>* sums) {
    constexpr int words = kWordWeights<Weight>;
    for (int p = 0; p < P; ++p) {
        Vec<Real> weights[G][words];
        for (int g = 0; g < G; ++g) {
            load_word(word + p * panel_size + g * words * kLanes<Real>, weights[g]);
        }
        for (int n = 0; n < N; ++n) {
            for (int r = 0; r < R; ++r) {
                for (int g = 0; g < G; ++g) {
                    sums[(g * P + p) * R + r] += weights[g][n] * rows[r][k + n];
                }
            }
        }
    }
}

// Adds the product of a tile to its sums [G][item].
template <int G, class Real, int P, int R, class Weight, class RowAt>
inline void add_product(const Tile<P, R>& tile, const Factors<Weight, RowAt>& factors,
                        Vec<Real>* sums) {
    constexpr int words = kWordWeights<Weight>;
    constexpr Index word_size = words * G * kLanes<Real>;
    const Layout& layout = factors.layout;
    const Index panel_size = packed_panel<G, Real, Weight>(layout);
    const Weight* word = factors.weights + tile.panel * panel_size;
    const Real* rows[R];
    unrolled<R>([&](int r) { rows[r] = factors.row_at(tile.row + r); });
    for (Index segment = 0; segment < layout.segments; ++segment) {
        Index k = 0;
        for (; k + words <= layout.length; k += words, word += word_size) {
            add_word<words, G, P, R, Real>(rows, k, word, panel_size, sums);
        }
        if (words > 1 && k < layout.length) {
            add_word<1, G, P, R, Real>(rows, k, word, panel_size, sums);
            word += word_size;
        }
        unrolled<R>([&](int r) { rows[r] += layout.stride; });
    }
}

// A tile's sums: where they start, and the product. All of it in one function and that function
// apart from all else, so that every sum stays in a register.
template <int G, class Real, int P, int R, class Factors, class Start>
[[gnu::flatten, gnu::noinline]] void multiply_tile(const Tile<P, R>& tile, const Factors& factors,
                                                   const Start& start, Vec<Real>* found) {
    Vec<Real> sums[G * P * R];
    start(tile, sums);
    add_product<G, Real>(tile, factors, sums);
    unrolled<G * P * R>([&](int i) { found[i] = sums[i]; });
}

// A tile of R rows after the other, as many panels wide as fit.
template <int P, int R, int G, class Real, class Factors, class Start, class Use>
inline void multiply_panels(Index first_row, Range panels, const Factors& factors,
                            const Start& start, const Use& use) {
    Vec<Real> sums[G * P * R];
    Tile<P, R> tile = {first_row, panels.first};
    for (; tile.panel + P <= panels.end; tile.panel += P) {
        multiply_tile<G, Real>(tile, factors, start, sums);
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
// is added to, all loops written out, and use(tile, sums) takes them away.
template <int G, class Real, class Weight, class RowAt, class Start, class Use>
void multiply(Range rows, Range panels, const Factors<Weight, RowAt>& factors, const Start& start,
              const Use& use) {
    constexpr int R = kTileRows<G>;
    constexpr int P = tile_panels(R, G);
    constexpr Index at_once = tile_panels(1, G);
    const Index full = rows.first + rows.size() / R * R;
    // All rows meet a few panels before they meet the next ones: weights that do not fit in the
    // cache are fetched once.
    for (Index first = panels.first; first < panels.end; first += at_once) {
        const Range some = {first, first + at_once < panels.end ? first + at_once : panels.end};
        for (Index panel = some.first; panel < some.end; panel += P) {
            const Range few = {panel, panel + P < some.end ? panel + P : some.end};
            for (Index row = rows.first; row < full; row += R) {
                multiply_panels<P, R, G, Real>(row, few, factors, start, use);
            }
        }
        multiply_rest<R - 1, G, Real>({full, rows.end}, some, factors, start, use);
    }
}

// The start of a product that stands alone.
template <int G>
constexpr auto from_zero = []<class TileOf, class V>(const TileOf&, V* sums) {
    unrolled<TileOf::count * G>([&](int i) { sums[i] = V{}; });
};

}  // namespace gruta::GRUTA_ISA
