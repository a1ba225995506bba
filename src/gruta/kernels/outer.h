// Sums over rows: the outer products that make the weights' gradients, and the biases'.
#pragma once

#include "gruta/kernels/gemm.h"

namespace gruta::GRUTA_ISA {

// Gradients of the gates' sums, [panel][row][slot][lane]; strides count numbers.
template <class Real>
struct Gradients {
    const Real* data;
    Index rows, row, panel;

    Gradients from(int slot) const { return {data + slot * kLanes<Real>, rows, row, panel}; }

    // The sum over the first `slots` of all panels, with weights transposed as pack.h does.
    Term<Real> times(const Real* weights, Index panels, Index slots) const {
        const Index length = slots * kLanes<Real>;
        return {
            {panels, length, panel}, weights, panels * length * kLanes<Real>, {nullptr, data, row}};
    }
};

// The columns of a weight matrix that fall to a member, in eights.
inline Range share_of_tiles(Index columns, Index member, Index size) {
    constexpr Index tile = 8;
    const Range tiles = share((columns + tile - 1) / tile, member, size);
    return {tiles.first * tile, tiles.end * tile < columns ? tiles.end * tile : columns};
}

// sums[p][c][g] += Σ_row da[p][row][g] · rows[row][first + c], for P panels and C columns of them
// that lie `panel_size` apart.
template <int P, int C, int G, class Real>
[[gnu::noinline]] void add_outer_tile(const Gradients<Real>& da, const Real* const* rows,
                                      Index first, Index panel_size, Real* sums) {
    constexpr Index W = kLanes<Real>;
    Vec<Real> sum[P][C][G] = {};
    for (Index i = 0; i < da.rows; ++i) {
        const Real* const row = rows[i] + first;
        for (int p = 0; p < P; ++p) {
            Vec<Real> d[G];
            for (int g = 0; g < G; ++g) d[g] = load(da.data + i * da.row + p * da.panel + g * W);
            for (int c = 0; c < C; ++c) {
                for (int g = 0; g < G; ++g) sum[p][c][g] += d[g] * row[c];
            }
        }
    }
    for (int p = 0; p < P; ++p) {
        for (int c = 0; c < C; ++c) {
            for (int g = 0; g < G; ++g) {
                Real* const to = sums + p * panel_size + (c * G + g) * W;
                store(to, load(to) + sum[p][c][g]);
            }
        }
    }
}

template <int P, int C, int G, class Real>
void add_outer_columns(const Gradients<Real>& da, const Real* const* rows, Range columns,
                       Index panel_size, Real* sums) {
    Index c = columns.first;
    for (; c + C <= columns.end; c += C) {
        add_outer_tile<P, C, G>(da, rows, c, panel_size, sums + c * G * kLanes<Real>);
    }
    if constexpr (C > 1) {
        add_outer_columns<P, C / 2, G>(da, rows, {c, columns.end}, panel_size, sums);
    }
}

// sums [panel][K][G][lane] += the products of the first G slots of `da` with the columns of the
// rows, K long.
template <int G, class Real>
void add_outer_of(const Gradients<Real>& da, Range panels, const Real* const* rows, Range columns,
                  Index K, Real* sums) {
    constexpr int C = tile_rows(G);
    constexpr int P = tile_panels(C, G);
    const Index panel_size = K * G * kLanes<Real>;
    Index p = panels.first;
    for (; p + P <= panels.end; p += P) {
        const Gradients<Real> some = {da.data + p * da.panel, da.rows, da.row, da.panel};
        add_outer_columns<P, C, G>(some, rows, columns, panel_size, sums + p * panel_size);
    }
    for (; p < panels.end; ++p) {
        const Gradients<Real> one = {da.data + p * da.panel, da.rows, da.row, da.panel};
        add_outer_columns<1, C, G>(one, rows, columns, panel_size, sums + p * panel_size);
    }
}

template <class Real>
void add_outer(int G, const Gradients<Real>& da, Range panels, const Real* const* rows,
               Range columns, Index K, Real* sums) {
    constexpr decltype(add_outer_of<1, Real>)* of[] = {
        add_outer_of<1, Real>, add_outer_of<2, Real>, add_outer_of<3, Real>, add_outer_of<4, Real>};
    of[G - 1](da, panels, rows, columns, K, sums);
}

// sums [panel][slot][lane] += Σ_row da[panel][row].
template <int kSlots, class Real>
void add_rows_of(const Gradients<Real>& da, Range panels, Real* sums) {
    constexpr Index W = kLanes<Real>;
    for (Index p = panels.first; p < panels.end; ++p) {
        Vec<Real> sum[kSlots] = {};
        for (Index i = 0; i < da.rows; ++i) {
            for (int s = 0; s < kSlots; ++s) {
                sum[s] += load(da.data + p * da.panel + i * da.row + s * W);
            }
        }
        for (int s = 0; s < kSlots; ++s) {
            Real* const to = sums + (p * kSlots + s) * W;
            store(to, load(to) + sum[s]);
        }
    }
}

template <class Real>
void add_rows(int slots, const Gradients<Real>& da, Range panels, Real* sums) {
    constexpr decltype(add_rows_of<1, Real>)* of[] = {add_rows_of<1, Real>, add_rows_of<2, Real>,
                                                      add_rows_of<3, Real>, add_rows_of<4, Real>};
    of[slots - 1](da, panels, sums);
}

}  // namespace gruta::GRUTA_ISA
