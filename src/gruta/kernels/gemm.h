// The products: rows with packed weights, and the sums of outer products that make the weights'
// gradients. The one place where the multiplications happen.
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

    Index k_count() const { return segments * length; }
};

constexpr Layout dense(Index K) {
    return {1, K, 0};
}

// sums[p][r][g] = Σ_k rows[r][k] · panel p [k][g]
template <int P, int R, int G, class Real, class Weight>
[[gnu::noinline]] void multiply_tile(const Real* const* rows, Layout layout, const Weight* panels,
                                     Vec<Real>* sums) {
    constexpr Index W = kLanes<Real>;
    const Index panel_size = layout.k_count() * G * W;
    Vec<Real> sum[P][R][G] = {};
    const Real* row[R];
    for (int r = 0; r < R; ++r) row[r] = rows[r];
    for (Index segment = 0; segment < layout.segments; ++segment) {
        for (Index k = 0; k < layout.length; ++k) {
            for (int p = 0; p < P; ++p) {
                Vec<Real> weights[G];
                for (int g = 0; g < G; ++g) {
                    weights[g] = load_weights<Real>(panels + p * panel_size + g * W);
                }
                for (int r = 0; r < R; ++r) {
                    for (int g = 0; g < G; ++g) sum[p][r][g] += weights[g] * row[r][k];
                }
            }
            panels += G * W;
        }
        for (int r = 0; r < R; ++r) row[r] += layout.stride;
    }
    __builtin_memcpy(sums, sum, sizeof sum);
}

// What a product has ready at a time: the sums of some rows in some panels. An item is one of each.
struct Tile {
    Index row, rows, panel, panels;

    Index count() const { return rows * panels; }

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

// Calls use(tile, sums) with the sums [item][G] of the rows, for every panel.
template <int P, int R, int G, class Real, class Weight, class RowAt, class Use>
inline void multiply_panels(Index first_row, Range panels, Layout layout, const Weight* weights,
                            const RowAt& row_at, const Use& use) {
    const Real* rows[R];
    for (int r = 0; r < R; ++r) rows[r] = row_at(first_row + r);
    Vec<Real> sums[P * R * G];
    const Index panel_size = layout.k_count() * G * kLanes<Real>;
    Index panel = panels.first;
    for (; panel + P <= panels.end; panel += P) {
        multiply_tile<P, R, G, Real>(rows, layout, weights + panel * panel_size, sums);
        use(Tile{first_row, R, panel, P}, sums);
    }
    if constexpr (P > 1) {
        const Range rest = {panel, panels.end};
        multiply_panels<P / 2, R, G, Real>(first_row, rest, layout, weights, row_at, use);
    }
}

// The last rows, fewer than a full tile: as many as R of them.
template <int R, int G, class Real, class Weight, class RowAt, class Use>
inline void multiply_rest(Range rows, Range panels, Layout layout, const Weight* weights,
                          const RowAt& row_at, const Use& use) {
    if constexpr (R > 0) {
        if (rows.size() == R) {
            constexpr int P = tile_panels(R, G);
            multiply_panels<P, R, G, Real>(rows.first, panels, layout, weights, row_at, use);
        } else {
            multiply_rest<R - 1, G, Real>(rows, panels, layout, weights, row_at, use);
        }
    }
}

// The sums over k of row_at(row)[k] · weights[panel][k][g] for every row in `rows` and panel in
// `panels`, a tile at a time: use(tile, sums) with sums [item][G].
template <int G, class Real, class Weight, class RowAt, class Use>
void multiply(Range rows, Range panels, Layout layout, const Weight* weights, const RowAt& row_at,
              const Use& use) {
    constexpr int R = kTileRows<G>;
    constexpr int P = tile_panels(R, G);
    const Index full = rows.first + rows.size() / R * R;
    for (Index panel = panels.first; panel < panels.end; panel += P) {
        const Range some = {panel, panel + P < panels.end ? panel + P : panels.end};
        for (Index row = rows.first; row < full; row += R) {
            multiply_panels<P, R, G, Real>(row, some, layout, weights, row_at, use);
        }
    }
    multiply_rest<R - 1, G, Real>({full, rows.end}, panels, layout, weights, row_at, use);
}

}  // namespace gruta::GRUTA_ISA
