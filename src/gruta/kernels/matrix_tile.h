// Products of a layer's rows with weights in bfloat16 on the matrix unit: rows meet them rounded
// to bfloat16 too, to nearest, ties to even.
#pragma once

#include "gruta/kernels/matrix.h"
#include "gruta/kernels/pack.h"

namespace gruta::GRUTA_ISA {

inline Index matrix_row_bytes(Index K) {
    return (K + kMatrixDepth - 1) / kMatrixDepth * kMatrixDepth * 2;
}

inline void round_matrix_row(const float* row, Index K, void* to) {
    constexpr Index W = kLanes<float>;
    auto* bytes = static_cast<char*>(to);
    const Index whole = (K + kMatrixDepth - 1) / kMatrixDepth * kMatrixDepth;
    for (Index k = 0; k < whole; k += W, bytes += 2 * W) {
        const Index count = K - k < 0 ? 0 : K - k < W ? K - k : W;
        const Vec<float> v = load(row + k, count);
        const Bits<float> bits = reinterpret_cast<Bits<float>>(v);
        const Bits<float> nearest = bits + 0x7fff + (bits >> 16 & 1);
        const Bits<float> found = v == v ? nearest : bits | 0x400000;
        const Shorts halves = __builtin_convertvector(found >> 16, Shorts);
        __builtin_memcpy(bytes, &halves, sizeof halves);
    }
}

template <int G>
void multiply_on_unit(const Product<float>& product, const Tile& at, Vec<float>* found) {
    const Start<float>& start = product.start;
    MatrixTile tile = {static_cast<int>(at.rows),
                       static_cast<int>(at.panels),
                       start.first + at.row * start.row + at.panel * start.panel,
                       start.row,
                       start.panel,
                       product.count,
                       {},
                       reinterpret_cast<float*>(product.aside),
                       product.apart + at.panel * kLanes<float>,
                       reinterpret_cast<float*>(found)};
    for (int i = 0; i < product.count; ++i) {
        const Term<float>& term = product.terms[i];
        const Rows<float>& rows = term.rows;
        const float* const first =
            rows.listed != nullptr ? rows.listed[at.row] : rows.first + at.row * rows.stride;
        // Rounded rows lie one behind the other, also where they are listed.
        tile.terms[i] = {first, matrix_row_bytes(term.layout.length),
                         static_cast<const Bfloat16*>(term.weights) + at.panel * term.panel,
                         term.panel * 2, term.layout.length};
    }
    matrix_products->of_gates[G - 1](tile);
}

}  // namespace gruta::GRUTA_ISA
