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
constexpr int tile_rows(int G) {
    return G == 1 ? kAccumulators / 3 : kAccumulators / G;
}

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

// Where rows begin: listed one by one, or spaced evenly.
template <class Real>
struct Rows {
    const Real* const* listed;  // or null
    const Real* first;
    Index stride;
};

// Rows times packed weights, whose storage says how they are read.
template <class Real>
struct Term {
    Layout layout;
    const void* weights;
    Index panel;  // numbers from one packed panel to the next
    Rows<Real> rows;
};

// What the sums of a row and a panel start at: [G][lane], `first` and so many numbers on for each.
template <class Real>
struct Start {
    const Real* first;
    Index row, panel;
};

// What a tile computes: sums that start somewhere and take in one term, or two of the same rows.
// All of it in one function, so that every sum stays in a register from its start to the last
// product.
//
// Handed on by reference: a copy is written in words and read back as a vector, which has to wait
// until all that was stored before has reached the cache.
template <class Real>
struct Product {
    Start<Real> start;
    int count;  // of the terms
    Term<Real> terms[2];
    // Where not null, and of three gates: before the last term the last gate's sums are put aside
    // [item], and start anew at `apart` [panel][lane].
    Vec<Real>* aside = nullptr;
    const Real* apart = nullptr;
    // Panels from the last to the first. Where one step follows another and the weights are larger
    // than the cache, what it still holds of the step before is then read first.
    bool turned = false;
};

constexpr int kMostGates = 4, kMostRows = tile_rows(2), kMostPanels = 8;

// Sums of a tile, those of the matrix unit's among them: of 32 rows, for which it reads weights
// once.
constexpr int kMostSums = GRUTA_VECTOR_BYTES == 64 ? kMostGates * 32 : kAccumulators;

// Panels that a tile of the matrix unit takes at once.
constexpr Index most_panels(Index rows, int G) {
    return rows == 1 ? tile_panels(1, G) : rows <= 8 || G == 1 ? 2 : 1;
}

template <class Real>
constexpr Real kZeros[kMostGates * kLanes<Real>] = {};

// One term, and nothing else.
template <class Real>
Product<Real> from_zero(const Term<Real>& term) {
    return {{kZeros<Real>, 0, 0}, 1, {term}};
}

// What a product works on at a time: the sums of some rows in some panels. An item is one of each.
struct Tile {
    Index row, panel, rows, panels;

    Index count() const { return rows * panels; }

    // f(item, row, panel) for every item.
    template <class F>
    void each(const F& f) const {
        for (Index p = 0, item = 0; p < panels; ++p) {
            for (Index r = 0; r < rows; ++r, ++item) f(item, row + r, panel + p);
        }
    }
};

// A tile whose rows are known while compiling, and its panels too unless they are 0: what is done
// with a few sums is then as short as it can be.
template <int kRows, int kPanels>
struct FixedTile {
    const Tile& tile;

    Index panels() const { return kPanels > 0 ? kPanels : tile.panels; }
    Index count() const { return kRows * panels(); }

    template <class F>
    void each(const F& f) const {
        const Index row = tile.row, panel = tile.panel;
        for (Index p = 0, item = 0; p < panels(); ++p) {
            for (Index r = 0; r < kRows; ++r, ++item) f(item, row + r, panel + p);
        }
    }
};

// f of a tile of G gates: as a fixed one, if it is full, or of one row and as wide as one may be.
template <int G, class F>
[[gnu::always_inline]] inline void by_size(const Tile& tile, const F& f) {
    constexpr int R = tile_rows(G), P = tile_panels(R, G), most = tile_panels(1, G);
    if (tile.rows == R && tile.panels == P) {
        f(FixedTile<R, P>{tile});
    } else if (tile.rows == 1 && tile.panels == most) {
        f(FixedTile<1, most>{tile});
    } else if (tile.rows == 1) {
        f(FixedTile<1, 0>{tile});
    } else {
        f(tile);
    }
}

// Sets sums [G][item] to those of the tile that begins at `row` and `panel`.
template <class Real>
using MultiplyTile = void (*)(const Product<Real>&, Index row, Index panel, Vec<Real>* sums);

// The tiles of G gates.
template <class Real>
struct Tiles {
    Index widest[kMostRows + 1];  // the panels of a tile of so many rows, at most
    MultiplyTile<Real> of[kMostRows + 1][kMostPanels + 1];
};

// Which block of H rows of a weight matrix stands in each place of a panel.
struct Gates {
    int count;
    int at[kMostGates];

    // The first few of them.
    constexpr Gates first(int few) const {
        Gates gates = *this;
        gates.count = few;
        return gates;
    }
};

constexpr Gates in_order(int count) {
    return {count, {0, 1, 2, 3}};
}

// How rows are rounded before they meet weights, where these are whole numbers or the matrix
// unit's: a row becomes `bytes(K)` bytes, which only the products read.
template <class Real>
struct Rounding {
    Index (*bytes)(Index K);
    void (*round)(const Real* row, Index K, void* to);
};

// How weights are stored: in a dtype of their own, as many to a word as one load reads.
template <class Real>
struct Storage {
    Index weight_bytes, word_weights;
    Tiles<Real> tiles[kMostGates];  // of 1, 2, 3 and 4 gates
    // weights [.·H, K] to packed [panel][K][gate][lane], the k's in words; less `means` [gate][K]
    // where they are not null.
    void (*pack)(const Real* weights, Index H, Index K, const Gates& gates, const Real* means,
                 void* packed);
    Index header = 0;  // weights' room in each lane of a gate, before its K weights
    const Rounding<Real>* rounding = nullptr;  // null where rows are read as they are
    Index rows_at_once = 0;                    // of a tile at most, or 0: those of a full tile
    // Null, or what takes the place of `tiles`, of 1, 2, 3 and 4 gates.
    void (*on_unit[kMostGates])(const Product<Real>&, const Tile&, Vec<Real>* sums) = {};

    // How many of K weights are stored: whole words, behind the header.
    Index count(Index K) const { return header + ((K + (word_weights - 1)) & -word_weights); }

    // Numbers that a row takes which is rounded before it meets weights.
    Index rounded(Index K) const {
        return rounding == nullptr ? 0 : rounding->bytes(K) / static_cast<Index>(sizeof(Real));
    }
};

template <class Weight>
struct RealOf {
    using Real = float;
};
template <>
struct RealOf<double> {
    using Real = double;
};

template <class Weight>
using StorageOf = Storage<typename RealOf<Weight>::Real>;

// Of float, double, Half, Bfloat16 and Int8; compiled in a file of its own each, as storage.h says.
template <class Weight>
const StorageOf<Weight>& storage();
template <>
const Storage<float>& storage<Int8>();

// The same for a layer, whose products may be the matrix unit's.
template <class Weight>
const StorageOf<Weight>& layer_storage() {
    return storage<Weight>();
}
#if GRUTA_VECTOR_BYTES == 64
template <>
const Storage<float>& layer_storage<Bfloat16>();
#endif

// A product for every row in `rows` and panel in `panels`, a tile at a time: use(tile, sums) takes
// the sums [G][item] away.
template <int G, class Real, class Use>
void multiply(const Storage<Real>& storage, Range rows, Range panels, const Product<Real>& product,
              const Use& use) {
    constexpr Index most = tile_rows(G), at_once = tile_panels(1, G);
    const Index R = storage.rows_at_once > 0 ? storage.rows_at_once : most;
    const Index P = R == 1 ? at_once : tile_panels(most, G);
    const Tiles<Real>& tiles = storage.tiles[G - 1];
    const auto on_unit = storage.on_unit[G - 1];
    Vec<Real> sums[kMostSums];
    // Some rows, no more than a full tile has, in tiles as wide as fit.
    const auto multiply_across = [&](Range few, Range some) {
        const Index count = few.size();
        Index panel = some.first;
        for (Index panels = on_unit ? most_panels(count, G) : tiles.widest[count]; panels > 0;
             panels /= 2) {
            for (; panel + panels <= some.end; panel += panels) {
                const Tile tile = {few.first, panel, count, panels};
                if (on_unit != nullptr) {
                    on_unit(product, tile, sums);
                } else {
                    tiles.of[count][panels](product, tile.row, tile.panel, sums);
                }
                use(tile, sums);
            }
        }
    };
    const Index full = rows.first + rows.size() / R * R;
    // All rows meet a few panels before they meet the next ones: weights that do not fit in the
    // cache are fetched once.
    const Index blocks = (panels.size() + at_once - 1) / at_once;
    for (Index block = 0; block < blocks; ++block) {
        const Index first = panels.first + (product.turned ? blocks - 1 - block : block) * at_once;
        const Range some = {first, first + at_once < panels.end ? first + at_once : panels.end};
        for (Index panel = some.first; panel < some.end && full > rows.first; panel += P) {
            const Range few = {panel, panel + P < some.end ? panel + P : some.end};
            for (Index row = rows.first; row < full; row += R) multiply_across({row, row + R}, few);
        }
        multiply_across({full, rows.end}, some);
    }
}

}  // namespace gruta::GRUTA_ISA
