// σ and tanh.
#pragma once

#include "gruta/kernels/group.h"
#include "gruta/kernels/tier.h"

namespace gruta::GRUTA_ISA {

template <class Real>
struct Exponential;

template <>
struct Exponential<float> {
    static constexpr int mantissa_bits = 23;
    static constexpr int exponent_bias = 127;
    // Adding 1.5 · 2^mantissa_bits rounds to an integer and leaves it in the low bits.
    static constexpr float to_integer = 0x1.8p23f;
    static constexpr float log2_e = 0x1.715476p0f;
    // ln 2 in two parts: the first is short enough for its product with an exponent to be exact.
    static constexpr float ln2_high = 0x1.62e4p-1f;
    static constexpr float ln2_low = 0x1.7f7d1cp-20f;
    // σ(−x) is below the smallest normal number above the ceiling, σ(x) and tanh(x) are 1.
    static constexpr float sigmoid_ceiling = 0x1.5d589ep+6f;
    static constexpr float sigmoid_one = 20.0f;
    static constexpr float tanh_one = 10.0f;
    // (exp(r) − 1 − r) / r², so near that expm1(r) misses by less than a sixth of an ulp for
    // |r| ≤ ln 2 / 2: a minimax fit, its coefficients rounded.
    static constexpr float series[] = {0.5f, 0x1.5554bp-3f, 0x1.555486p-5f, 0x1.12228p-7f,
                                       0x1.6d995p-10f};
    // exp(r) to 2.7e-6 of it.
    static constexpr float ln2 = 0x1.62e43p-1f;
    static constexpr float fast_series[] = {0x1.ffffe8p-1f, 0x1.fffb32p-1f, 0x1.0005bap-1f,
                                            0x1.57e15cp-3f, 0x1.53a094p-5f};
};

template <>
struct Exponential<double> {
    static constexpr int mantissa_bits = 52;
    static constexpr int exponent_bias = 1023;
    static constexpr double to_integer = 0x1.8p52;
    static constexpr double log2_e = 0x1.71547652b82fep0;
    static constexpr double ln2_high = 0x1.62e42feep-1;
    static constexpr double ln2_low = 0x1.a39ef35793c76p-33;
    static constexpr double sigmoid_ceiling = 0x1.6232bdd7abcd2p+9;
    static constexpr double sigmoid_one = 40.0;
    static constexpr double tanh_one = 20.0;
    // The Taylor series, as long as it takes for the same.
    static constexpr double series[] = {
        1. / 2,     1. / 6,      1. / 24,      1. / 120,      1. / 720,       1. / 5040,
        1. / 40320, 1. / 362880, 1. / 3628800, 1. / 39916800, 1. / 479001600, 1. / 6227020800,
    };
};

// 1 / d to 14 bits or more.
[[gnu::always_inline]] inline Vec<float> reciprocal_estimate(Vec<float> d) {
#if defined(__AVX512F__) && GRUTA_VECTOR_BYTES == 64
    return _mm512_maskz_rcp14_ps(0xffff, d);
#elif defined(__AVX__) && GRUTA_VECTOR_BYTES == 32
    const Vec<float> y = _mm256_rcp_ps(d);
    return y * (2.0f - d * y);
#elif defined(__SSE__) && GRUTA_VECTOR_BYTES == 16
    const Vec<float> y = _mm_rcp_ps(d);
    return y * (2.0f - d * y);
#else
    return 1.0f / d;
#endif
}

[[gnu::always_inline]] inline Vec<double> reciprocal_estimate(Vec<double> d) {
    return 1.0 / d;
}

template <class Real, int N>
[[gnu::always_inline]] inline Group<Real, N> reciprocal_estimates(const Group<Real, N>& a) {
    return each([](Vec<Real> d) { return reciprocal_estimate(d); }, a);
}

// 2ⁿ, where n stands in the low bits of `shifted`.
template <class Real>
[[gnu::always_inline]] inline Vec<Real> power_of_two(Vec<Real> shifted) {
    using E = Exponential<Real>;
    const Bits<Real> exponent = reinterpret_cast<Bits<Real>>(shifted) + E::exponent_bias;
    return reinterpret_cast<Vec<Real>>(exponent << E::mantissa_bits);
}

// exp(x) = scale · (1 + r + curve) with a power of two, |r| ≤ ln 2 / 2 and 0 ≤ curve < 0.07, for x
// whose exp is a normal number. Of NaN, r is NaN.
template <class Real, int N>
struct Power {
    Group<Real, N> scale, r, curve;
};

template <class Real, int N>
[[gnu::always_inline]] inline Power<Real, N> power(const Group<Real, N>& x) {
    using E = Exponential<Real>;
    // The integer nearest to x / ln 2 stands in the low bits of `shifted`.
    const auto shifted = each(
        [](Vec<Real> v) { return multiply_add<Real>(v, splat(E::log2_e), splat(E::to_integer)); },
        x);
    const auto whole = shifted + (-E::to_integer);
    const auto r = multiply_add(whole, -E::ln2_low, multiply_add(whole, -E::ln2_high, x));

    constexpr int terms = sizeof(E::series) / sizeof(Real);
    auto tail = each([](Vec<Real>) { return splat(E::series[terms - 1]); }, x);
    for (int i = terms - 2; i >= 0; --i) tail = multiply_add(tail, r, E::series[i]);

    const auto scale = each(power_of_two<Real>, shifted);
    return {scale, r, r * r * tail};
}

// 1 / (1 + exp(−x)). An estimate y of it misses by 1 − y (1 + exp(−x)), which is found nearly
// without rounding since exp(−x) is at hand as scale · (1 + p); what remains misses by its square.
template <class Real, int N>
[[gnu::always_inline]] inline Group<Real, N> sigmoid(const Group<Real, N>& x) {
    using E = Exponential<Real>;
    const Real one = 1;
    const auto [scale, r, curve] =
        power(at_most(at_least(-x, -E::sigmoid_one), E::sigmoid_ceiling));
    const auto p = r + curve;
    const auto y = reciprocal_estimates(multiply_add(scale, p, scale + one));
    const auto y_scale = y * scale;
    const auto miss = multiply_add(-y_scale, p, (one - y) - y_scale);
    return each([](Vec<Real> found,
                   Vec<Real> v) { return v < splat(-E::sigmoid_ceiling) ? Vec<Real>{} : found; },
                multiply_add(y, miss, y), x);
}

// e / (e + 2) with e = expm1(2|x|) and the sign of x, which keeps its digits near zero; corrected
// as σ is.
template <class Real, int N>
[[gnu::always_inline]] inline Group<Real, N> tanh(const Group<Real, N>& x) {
    const Real one = 1;
    const Bits<Real> sign = reinterpret_cast<Bits<Real>>(splat(Real(-0.0)));
    const auto abs = each(
        [=](Vec<Real> v) {
            return reinterpret_cast<Vec<Real>>(reinterpret_cast<Bits<Real>>(v) & ~sign);
        },
        x);
    const auto [scale, r, curve] = power(at_most(abs + abs, 2 * Exponential<Real>::tanh_one));
    // e in two parts: the greater one is exact or all but.
    const auto most = multiply_add(scale, r, scale + (-one)), rest = scale * curve;
    const auto e = most + rest;
    const auto reciprocal = reciprocal_estimates(e + (one + one));
    const auto y = e * reciprocal, below_one = one - y;
    const auto miss = multiply_add(rest, below_one, multiply_add(most, below_one, -(y + y)));
    return each(
        [=](Vec<Real> found, Vec<Real> v) {
            return reinterpret_cast<Vec<Real>>(reinterpret_cast<Bits<Real>>(found) |
                                               (reinterpret_cast<Bits<Real>>(v) & sign));
        },
        multiply_add(reciprocal, miss, y), x);
}

// The faster tier: σ to 1e-6 and tanh to 2e-6, both absolutely.
template <int N>
[[gnu::always_inline]] inline Group<float, N> fast_sigmoid(const Group<float, N>& x) {
    using E = Exponential<float>;
    const auto bounded = at_most(at_least(x, -E::sigmoid_ceiling), E::sigmoid_ceiling);
    const auto shifted = each(
        [](Vec<float> v) {
            return multiply_add<float>(v, splat(-E::log2_e), splat(E::to_integer));
        },
        bounded);
    const auto r = multiply_add(shifted + (-E::to_integer), -E::ln2, -bounded);
    constexpr int terms = sizeof(E::fast_series) / sizeof(float);
    auto exponential = each([](Vec<float>) { return splat(E::fast_series[terms - 1]); }, x);
    for (int i = terms - 2; i >= 0; --i) {
        exponential = multiply_add(exponential, r, E::fast_series[i]);
    }
    const auto d = each(
        [](Vec<float> e, Vec<float> s) {
            return multiply_add<float>(e, power_of_two<float>(s), splat(1.0f));
        },
        exponential, shifted);
    const auto y = reciprocal_estimates(d);
    return multiply_add(y, 1.0f - d * y, y);
}

template <int N>
[[gnu::always_inline]] inline Group<float, N> fast_tanh(const Group<float, N>& x) {
    const auto y = fast_sigmoid(x + x);
    return y + y + (-1.0f);
}

// f of the first `count` ≤ N vectors, in place.
template <int N, class Real, class F>
[[gnu::always_inline]] inline void apply_group(const F& f, Vec<Real>* to, Index count) {
    Group<Real, N> group;
    for (Index k = 0; k < N; ++k) group.at[k] = to[k < count ? k : 0];
    group = f(group);
    for (Index k = 0; k < N; ++k) {
        if (k < count) to[k] = group.at[k];
    }
}

// f of `count` vectors, in place: in groups, the last few in half a one if that is enough.
template <class Real, class F>
inline void apply(const F& f, Vec<Real>* to, Index count) {
    constexpr int size = kGroupSize, half = size / 2;
    for (; count >= size; to += size, count -= size) apply_group<size, Real>(f, to, size);
    if (count > half) {
        apply_group<size, Real>(f, to, count);
    } else if (count > 0) {
        apply_group<half, Real>(f, to, count);
    }
}

template <class Real>
[[gnu::noinline]] void sigmoids(Vec<Real>* of, Index count) {
    if constexpr (sizeof(Real) == sizeof(float)) {
        if (fast_activations)
            return apply<Real>([](const auto& x)
                                   __attribute__((always_inline)) { return fast_sigmoid(x); },
                               of, count);
    }
    apply<Real>([](const auto& x) __attribute__((always_inline)) { return sigmoid(x); }, of, count);
}

template <class Real>
[[gnu::noinline]] void tanhs(Vec<Real>* of, Index count) {
    if constexpr (sizeof(Real) == sizeof(float)) {
        if (fast_activations)
            return apply<Real>([](const auto& x)
                                   __attribute__((always_inline)) { return fast_tanh(x); },
                               of, count);
    }
    apply<Real>([](const auto& x) __attribute__((always_inline)) { return tanh(x); }, of, count);
}

}  // namespace gruta::GRUTA_ISA
