// Weights to and from the order in which gemm.h reads them.
#pragma once

#include "gruta/kernels/gemm.h"

namespace gruta::GRUTA_ISA {

// Which block of H rows of a weight matrix stands in each of the G places of a panel.
template <int G>
struct Gates {
    int at[G];
};

template <int G>
constexpr Gates<G> in_order() {
    Gates<G> gates = {};
    for (int g = 0; g < G; ++g) gates.at[g] = g;
    return gates;
}

// a[0], b[0], a[1], b[1], ... of the lower or the upper halves.
template <class Real>
inline Vec<Real> interleave_low(Vec<Real> a, Vec<Real> b) {
    if constexpr (kLanes<Real> == 2) {
        return __builtin_shufflevector(a, b, 0, 2);
    } else if constexpr (kLanes<Real> == 4) {
        return __builtin_shufflevector(a, b, 0, 4, 1, 5);
    } else if constexpr (kLanes<Real> == 8) {
        return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
    } else {
        return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7,
                                       23);
    }
}

template <class Real>
inline Vec<Real> interleave_high(Vec<Real> a, Vec<Real> b) {
    if constexpr (kLanes<Real> == 2) {
        return __builtin_shufflevector(a, b, 1, 3);
    } else if constexpr (kLanes<Real> == 4) {
        return __builtin_shufflevector(a, b, 2, 6, 3, 7);
    } else if constexpr (kLanes<Real> == 8) {
        return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
    } else {
        return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30,
                                       15, 31);
    }
}

// A square of vectors, rows for columns: a riffle of its two halves, once for each bit of an index.
template <class Real>
inline void transpose(Vec<Real> (&square)[kLanes<Real>]) {
    constexpr Index W = kLanes<Real>;
    for (Index bit = 1; bit < W; bit *= 2) {
        Vec<Real> next[W];
        for (Index i = 0; i < W / 2; ++i) {
            next[2 * i] = interleave_low<Real>(square[i], square[i + W / 2]);
            next[2 * i + 1] = interleave_high<Real>(square[i], square[i + W / 2]);
        }
        for (Index i = 0; i < W; ++i) square[i] = next[i];
    }
}

inline Bfloat16 narrow(float value, Bfloat16) {
    std::uint32_t bits;
    __builtin_memcpy(&bits, &value, sizeof bits);
    if (value != value) return Bfloat16((bits >> 16) | 0x40);
    return Bfloat16((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);  // to nearest, ties to even
}

inline Half narrow(float value, Half) {
    std::uint32_t bits;
    __builtin_memcpy(&bits, &value, sizeof bits);
    const std::uint32_t sign = bits >> 16 & 0x8000;
    const std::uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) return Half(sign | 0x7e00);
    if (magnitude >= 0x477ff000) return Half(sign | 0x7c00);  // rounds past the largest number
    if (magnitude < 0x38800000) {
        // A subnormal half counts units of 2⁻²⁴; adding 0.5 to the float leaves the count, rounded,
        // in its low bits.
        float absolute;
        __builtin_memcpy(&absolute, &magnitude, sizeof absolute);
        const float shifted = absolute + 0.5f;
        std::uint32_t count;
        __builtin_memcpy(&count, &shifted, sizeof count);
        return Half(sign | (count - 0x3f000000));
    }
    const std::uint32_t rebased = magnitude - 0x38000000;
    return Half(sign | (rebased + 0xfff + (rebased >> 13 & 1)) >> 13);
}

inline void store_weights(float* to, Vec<float> v) {
    store(to, v);
}

inline void store_weights(double* to, Vec<double> v) {
    store(to, v);
}

template <class Weight>
inline void store_weights(Weight* to, Vec<float> v) {
    for (Index lane = 0; lane < kLanes<float>; ++lane) to[lane] = narrow(v[lane], Weight{});
}

// weights [.·H, K], of which `gates` takes G blocks of rows, to packed [panel][K][G][lane].
template <int G, class Real, class Weight>
void pack(const Real* weights, Index H, Index K, Gates<G> gates, Weight* packed) {
    constexpr Index W = kLanes<Real>;
    for (Index p = 0; p < panel_count<Real>(H); ++p, packed += K * G * W) {
        const Index width = panel_width<Real>(H, p);
        for (Index g = 0; g < G; ++g) {
            const Real* const from = weights + (gates.at[g] * H + p * W) * K;
            Weight* const to = packed + g * W;
            for (Index k = 0; k < K; k += W) {
                const Index count = K - k < W ? K - k : W;
                Vec<Real> square[W] = {};
                for (Index lane = 0; lane < width; ++lane) {
                    square[lane] = load(from + lane * K + k, count);
                }
                transpose<Real>(square);
                for (Index i = 0; i < count; ++i) store_weights(to + (k + i) * G * W, square[i]);
            }
        }
    }
}

// For products with the transpose: k runs over the G gates of H rows as gradients.h lays them out,
// and the panels over the N columns. weights [.·H, N] to packed [panel of N][panel of H][G][lane of
// H][lane of N].
template <int G, class Real>
void pack_transposed(const Real* weights, Index H, Index N, Gates<G> gates, Real* packed) {
    constexpr Index W = kLanes<Real>;
    for (Index p = 0; p < panel_count<Real>(N); ++p) {
        const Index columns = panel_width<Real>(N, p);
        for (Index unit = 0; unit < panel_count<Real>(H) * W; unit += W) {
            for (Index g = 0; g < G; ++g) {
                for (Index lane = 0; lane < W; ++lane, packed += W) {
                    const Real* const from = weights + (gates.at[g] * H + unit + lane) * N + p * W;
                    store(packed, unit + lane < H ? load(from, columns) : Vec<Real>{});
                }
            }
        }
    }
}

// packed [panel][K][G][lane], of the panels in `panels`, to the rows of weights [.·H, K].
template <int G, class Real>
void unpack(const Real* packed, Range panels, Index H, Index K, Gates<G> gates, Real* weights) {
    constexpr Index W = kLanes<Real>;
    for (Index p = panels.first; p < panels.end; ++p) {
        const Index width = panel_width<Real>(H, p);
        for (Index g = 0; g < G; ++g) {
            const Real* const from = packed + (p * K * G + g) * W;
            Real* const to = weights + (gates.at[g] * H + p * W) * K;
            for (Index k = 0; k < K; k += W) {
                const Index count = K - k < W ? K - k : W;
                Vec<Real> square[W] = {};
                for (Index i = 0; i < count; ++i) square[i] = load(from + (k + i) * G * W);
                transpose<Real>(square);
                for (Index lane = 0; lane < width; ++lane) {
                    store(to + lane * K + k, square[lane], count);
                }
            }
        }
    }
}

// A gate's H numbers out of [.·H], added to [panel][G][lane] at place g. Nothing where `from` is
// null.
template <int G, class Real>
void add_bias(const Real* from, Index H, int gate, int g, Real* packed) {
    constexpr Index W = kLanes<Real>;
    if (from == nullptr) return;
    for (Index p = 0; p < panel_count<Real>(H); ++p) {
        Real* const to = packed + (p * G + g) * W;
        store(to, load(to) + load(from + gate * H + p * W, panel_width<Real>(H, p)));
    }
}

}  // namespace gruta::GRUTA_ISA
