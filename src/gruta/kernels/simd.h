// Vectors of one instruction set, and the activations on them.
//
// The file is compiled once for each instruction set. Everything lies in a namespace named after
// the set: an inline function that two objects shared would be merged by the linker, and the wider
// instructions could then run on a CPU that lacks them. For the same reason nothing of the standard
// library that has code is used here or in any header that includes this one.
#pragma once

#include <cstddef>
#include <cstdint>

#if !defined(GRUTA_ISA) || !defined(GRUTA_VECTOR_BYTES)
#error "define GRUTA_ISA (a namespace) and GRUTA_VECTOR_BYTES before including simd.h"
#endif

namespace gruta::GRUTA_ISA {

using Index = std::ptrdiff_t;

#if GRUTA_VECTOR_BYTES == 64 || defined(__aarch64__)
constexpr int kRegisters = 32;
#else
constexpr int kRegisters = 16;
#endif

template <class Real>
struct Simd;

template <>
struct Simd<float> {
    typedef float Vec __attribute__((vector_size(GRUTA_VECTOR_BYTES)));
    typedef std::int32_t Bits __attribute__((vector_size(GRUTA_VECTOR_BYTES)));
    static constexpr int mantissa_bits = 23;
    static constexpr int exponent_bias = 127;
    // Adding 1.5 · 2^mantissa_bits rounds to an integer and leaves it in the low bits.
    static constexpr float to_integer = 0x1.8p23f;
    static constexpr float log2_e = 0x1.715476p0f;
    // ln 2 in two parts: the first is short enough for its product with an exponent to be exact.
    static constexpr float ln2_high = 0x1.62e4p-1f;
    static constexpr float ln2_low = 0x1.7f7d1cp-20f;
    // exp is zero below, tanh is one above.
    static constexpr float exp_floor = -110.0f;
    static constexpr float tanh_ceiling = 10.0f;
    // (exp(r) − 1 − r) / r² as a Taylor series, cut where it is exact to a tenth of an ulp for
    // |r| ≤ ln 2 / 2.
    static constexpr float series[] = {1.f / 2,   1.f / 6,   1.f / 24,
                                       1.f / 120, 1.f / 720, 1.f / 5040};
};

template <>
struct Simd<double> {
    typedef double Vec __attribute__((vector_size(GRUTA_VECTOR_BYTES)));
    typedef std::int64_t Bits __attribute__((vector_size(GRUTA_VECTOR_BYTES)));
    static constexpr int mantissa_bits = 52;
    static constexpr int exponent_bias = 1023;
    static constexpr double to_integer = 0x1.8p52;
    static constexpr double log2_e = 0x1.71547652b82fep0;
    static constexpr double ln2_high = 0x1.62e42feep-1;
    static constexpr double ln2_low = 0x1.a39ef35793c76p-33;
    static constexpr double exp_floor = -760.0;
    static constexpr double tanh_ceiling = 20.0;
    static constexpr double series[] = {
        1. / 2,     1. / 6,      1. / 24,      1. / 120,      1. / 720,       1. / 5040,
        1. / 40320, 1. / 362880, 1. / 3628800, 1. / 39916800, 1. / 479001600, 1. / 6227020800,
    };
};

template <class Real>
using Vec = typename Simd<Real>::Vec;

template <class Real>
using Bits = typename Simd<Real>::Bits;

template <class Real>
constexpr Index kLanes = GRUTA_VECTOR_BYTES / sizeof(Real);

template <class Real>
inline Vec<Real> splat(Real value) {
    return value - Vec<Real>{};
}

template <class Real>
inline Vec<Real> load(const Real* from) {
    Vec<Real> v;
    __builtin_memcpy(&v, from, sizeof v);
    return v;
}

// Reads `count` ≤ kLanes numbers and no more; the other lanes are zero.
template <class Real>
inline Vec<Real> load(const Real* from, Index count) {
    if (count == kLanes<Real>) return load(from);
    Vec<Real> v = {};
    __builtin_memcpy(&v, from, static_cast<std::size_t>(count) * sizeof(Real));
    return v;
}

template <class Real>
inline void store(Real* to, Vec<Real> v) {
    __builtin_memcpy(to, &v, sizeof v);
}

// Writes the first `count` ≤ kLanes numbers and no more.
template <class Real>
inline void store(Real* to, Vec<Real> v, Index count) {
    if (count == kLanes<Real>) return store(to, v);
    __builtin_memcpy(to, &v, static_cast<std::size_t>(count) * sizeof(Real));
}

// 2^k for exponents of normal numbers.
template <class Real>
inline Vec<Real> power_of_two(Bits<Real> k) {
    return reinterpret_cast<Vec<Real>>((k + Simd<Real>::exponent_bias)
                                       << Simd<Real>::mantissa_bits);
}

// Splits x = k · ln 2 + r with |r| ≤ ln 2 / 2 and returns exp(r) − 1. A NaN comes back as one.
template <class Real>
inline Vec<Real> reduced_expm1(Vec<Real> x, Bits<Real>& k) {
    using S = Simd<Real>;
    const Vec<Real> shifted = x * S::log2_e + S::to_integer;
    const Vec<Real> whole = shifted - S::to_integer;
    k = reinterpret_cast<Bits<Real>>(shifted) -
        reinterpret_cast<Bits<Real>>(splat<Real>(S::to_integer));
    const Vec<Real> r = x - whole * S::ln2_high - whole * S::ln2_low;

    constexpr int terms = sizeof(S::series) / sizeof(Real);
    Vec<Real> tail = splat<Real>(S::series[terms - 1]);
    for (int i = terms - 2; i >= 0; --i) tail = tail * r + S::series[i];
    return r + r * r * tail;
}

// 1 / (1 + exp(−x)), computed from exp(−|x|) so that nothing overflows and results down to the
// smallest subnormal keep their digits.
template <class Real>
inline Vec<Real> sigmoid(Vec<Real> x) {
    const Vec<Real> one = splat<Real>(1);
    const Vec<Real> floor = splat<Real>(Simd<Real>::exp_floor);
    const auto negative = x < Vec<Real>{};
    Vec<Real> minus_abs = negative ? x : -x;
    minus_abs = minus_abs < floor ? floor : minus_abs;

    Bits<Real> k;
    const Vec<Real> p = reduced_expm1<Real>(minus_abs, k);
    // 2^k may be subnormal, so it is applied in two halves; only the second product rounds.
    const Bits<Real> half = k >> 1;
    const Vec<Real> e = (one + p) * power_of_two<Real>(half) * power_of_two<Real>(k - half);
    return (negative ? e : one) / (one + e);
}

// expm1(2|x|) / (expm1(2|x|) + 2) with the sign of x, which keeps its digits near zero.
template <class Real>
inline Vec<Real> tanh(Vec<Real> x) {
    const Vec<Real> ceiling = splat<Real>(Simd<Real>::tanh_ceiling);
    const auto negative = x < Vec<Real>{};
    Vec<Real> abs = negative ? -x : x;
    abs = abs > ceiling ? ceiling : abs;

    Bits<Real> k;
    const Vec<Real> p = reduced_expm1<Real>(abs + abs, k);
    const Vec<Real> scale = power_of_two<Real>(k);
    const Vec<Real> e = scale * p + (scale - Real(1));
    const Vec<Real> y = e / (e + Real(2));
    return negative ? -y : y;
}

}  // namespace gruta::GRUTA_ISA
