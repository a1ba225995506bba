// Weights to and from the order in which gemm.h reads them.
#pragma once

#include <type_traits>

#include "gruta/kernels/gemm.h"

namespace gruta::GRUTA_ISA {

// Of two rows of a matrix: what stands off the diagonal in their 2×2 blocks of `bit` lanes trades
// places.
template <class Real, int bit, int... J>
inline void trade(Vec<Real>& a, Vec<Real>& b, std::integer_sequence<int, J...>) {
    constexpr int W = kLanes<Real>;
    const Vec<Real> upper = __builtin_shufflevector(a, b, ((J & bit) ? W + (J ^ bit) : J)...);
    b = __builtin_shufflevector(a, b, ((J & bit) ? W + J : (J ^ bit))...);
    a = upper;
}

// A square of vectors, rows for columns: lanes and rows trade one bit of their numbers at a time.
template <class Real, int bit = 1>
inline void transpose(Vec<Real> (&square)[kLanes<Real>]) {
    constexpr int W = kLanes<Real>;
    if constexpr (bit < W) {
        unrolled<W>([&](int i) {
            if (i & bit) return;
            trade<Real, bit>(square[i], square[i | bit], std::make_integer_sequence<int, W>());
        });
        transpose<Real, 2 * bit>(square);
    }
}

inline Bfloat16 narrow(float value, Bfloat16) {
    std::uint32_t bits;
    __builtin_memcpy(&bits, &value, sizeof bits);
    if (value != value) return Bfloat16((bits >> 16) | 0x40);
    return Bfloat16((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);  // to nearest, ties to even
}

// Stores the weights of `count` k's, a vector each, as words `stride` apart.
template <class Real, class Weight>
inline void store_words(Weight* to, Index stride, const Vec<Real> (&weights)[kLanes<Real>],
                        Index count) {
    constexpr int words = kWordWeights<Weight>;
    if constexpr (sizeof(Weight) == sizeof(Real)) {
        if (count == kLanes<Real>) {
            unrolled<kLanes<Real>>([&](int k) { store(to + k * stride, weights[k]); });
        } else {
            for (Index k = 0; k < count; ++k) store(to + k * stride, weights[k]);
        }
    } else if constexpr (std::is_same_v<Weight, Half>) {
        for (Index k = 0; k < count; ++k) {
            const Shorts halves = to_half(weights[k]);
            __builtin_memcpy(to + k * stride, &halves, sizeof halves);
        }
    } else {
        for (Index k = 0; k < count; k += words, to += stride) {
            for (Index lane = 0; lane < kLanes<Real>; ++lane) {
                for (int n = 0; n < words; ++n) {
                    const Real weight = k + n < count ? weights[k + n][lane] : 0;
                    to[lane * words + n] = narrow(weight, Weight{});
                }
            }
        }
    }
}

// A square out of a matrix whose rows lie `stride` apart: `rows` of them, `columns` wide, zeros
// beyond. Written out, so that a whole square passes through registers alone.
template <class Real, class Row>
inline void load_square(const Row& row, Index rows, Index columns,
                        Vec<Real> (&square)[kLanes<Real>]) {
    constexpr Index W = kLanes<Real>;
    if (rows == W && columns == W) {
        unrolled<W>([&](int i) { square[i] = load(row(i)); });
    } else {
        unrolled<W>([&](int i) { square[i] = i < rows ? load(row(i), columns) : Vec<Real>{}; });
    }
}

// weights [.·H, K], of which `gates` takes blocks of H rows, to packed [panel][K][gate][lane], the
// k's in words; less `means` [gate][K] where they are not null.
template <class Real, class Weight>
void pack(const Real* weights, Index H, Index K, const Gates& gates, const Real* means,
          void* packed) {
    constexpr Index W = kLanes<Real>, words = kWordWeights<Weight>;
    const Index word_size = words * gates.count * W;
    auto* to = static_cast<Weight*>(packed);
    for (Index p = 0; p < panel_count<Real>(H); ++p, to += (K + words - 1) / words * word_size) {
        const Index width = panel_width<Real>(H, p);
        for (int g = 0; g < gates.count; ++g) {
            const Real* const from = weights + (gates.at[g] * H + p * W) * K;
            for (Index k = 0; k < K; k += W) {
                const Index count = K - k < W ? K - k : W;
                Vec<Real> square[W];
                load_square<Real>([&](Index lane) { return from + lane * K + k; }, width, count,
                                  square);
                if (means != nullptr) {
                    const Vec<Real> mean = load(means + g * K + k, count);
                    unrolled<W>([&](int lane) {
                        if (lane < width) square[lane] -= mean;
                    });
                }
                transpose<Real>(square);
                store_words<Real>(to + g * words * W + k * gates.count * W, word_size, square,
                                  count);
            }
        }
    }
}

// For products with the transpose: k runs over the gates of H rows as `Gradients` has them,
// and the panels over the N columns. weights [.·H, N] to packed [panel of N][panel of H][gate][lane
// of H][lane of N]; less `means` [gate][N] where they are not null.
template <class Real>
void pack_transposed(const Real* weights, Index H, Index N, const Gates& gates, const Real* means,
                     Real* packed) {
    constexpr Index W = kLanes<Real>;
    for (Index p = 0; p < panel_count<Real>(N); ++p) {
        const Index columns = panel_width<Real>(N, p);
        for (Index unit = 0; unit < panel_count<Real>(H) * W; unit += W) {
            for (int g = 0; g < gates.count; ++g) {
                const Vec<Real> mean =
                    means == nullptr ? Vec<Real>{} : load(means + g * N + p * W, columns);
                for (Index lane = 0; lane < W; ++lane, packed += W) {
                    const Real* const from = weights + (gates.at[g] * H + unit + lane) * N + p * W;
                    store(packed, unit + lane < H ? load(from, columns) - mean : Vec<Real>{});
                }
            }
        }
    }
}

// packed [panel][K][gate][lane], of the panels in `panels`, to the rows of weights [.·H, K].
template <class Real>
void unpack(const Real* packed, Range panels, Index H, Index K, const Gates& gates, Real* weights) {
    constexpr Index W = kLanes<Real>;
    const Index G = gates.count;
    for (Index p = panels.first; p < panels.end; ++p) {
        const Index width = panel_width<Real>(H, p);
        for (Index g = 0; g < G; ++g) {
            const Real* const from = packed + (p * K * G + g) * W;
            Real* const to = weights + (gates.at[g] * H + p * W) * K;
            for (Index k = 0; k < K; k += W) {
                const Index count = K - k < W ? K - k : W;
                Vec<Real> square[W];
                load_square<Real>([&](Index i) { return from + (k + i) * G * W; }, count, W,
                                  square);
                transpose<Real>(square);
                unrolled<W>([&](int lane) {
                    if (lane < width) store(to + lane * K + k, square[lane], count);
                });
            }
        }
    }
}

// A gate's H numbers out of [.·H], added to [panel][G][lane] at place g. Nothing where `from` is
// null.
template <class Real>
void add_bias(const Real* from, Index H, int gate, int G, int g, Real* packed) {
    constexpr Index W = kLanes<Real>;
    if (from == nullptr) return;
    for (Index p = 0; p < panel_count<Real>(H); ++p) {
        Real* const to = packed + (p * G + g) * W;
        store(to, load(to) + load(from + gate * H + p * W, panel_width<Real>(H, p)));
    }
}

}  // namespace gruta::GRUTA_ISA
