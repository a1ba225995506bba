// Vectors of one instruction set.
//
// The file is compiled once for each instruction set. Everything lies in a namespace named after
// the set: an inline function that two objects shared would be merged by the linker, and the wider
// instructions could then run on a CPU that lacks them. For the same reason nothing of the standard
// library that has code is used here or in any header that includes this one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

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
constexpr Index kLanes = GRUTA_VECTOR_BYTES / sizeof(Real);

template <class Real>
struct VectorOf;
template <>
struct VectorOf<float> {
    typedef float Vec __attribute__((vector_size(GRUTA_VECTOR_BYTES)));
    typedef std::int32_t Bits __attribute__((vector_size(GRUTA_VECTOR_BYTES)));
};
template <>
struct VectorOf<double> {
    typedef double Vec __attribute__((vector_size(GRUTA_VECTOR_BYTES)));
    typedef std::int64_t Bits __attribute__((vector_size(GRUTA_VECTOR_BYTES)));
};

template <class Real>
using Vec = typename VectorOf<Real>::Vec;

// Integers as wide as Real; what a comparison of two Vec answers, −1 for true.
template <class Real>
using Bits = typename VectorOf<Real>::Bits;

// f(0), f(1), ..., f(N − 1), written out: what they index can then stay in registers. GCC gives up
// on longer loops.
template <int N, class F>
[[gnu::always_inline]] inline void unrolled(const F& f) {
    [&]<int... I>(std::integer_sequence<int, I...>)
        __attribute__((always_inline)) { (f(I), ...); }(std::make_integer_sequence<int, N>());
}

template <class Real>
[[gnu::always_inline]] inline Vec<Real> splat(Real value) {
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
#if defined(__AVX512F__) && GRUTA_VECTOR_BYTES == 64
    const unsigned some = (1u << count) - 1;
    if constexpr (sizeof(Real) == 4)
        return _mm512_maskz_loadu_ps(static_cast<__mmask16>(some), from);
    if constexpr (sizeof(Real) == 8)
        return _mm512_maskz_loadu_pd(static_cast<__mmask8>(some), from);
#endif
    Vec<Real> v = {};
    __builtin_memcpy(&v, from, static_cast<std::size_t>(count) * sizeof(Real));
    return v;
}

template <class Real>
[[gnu::always_inline]] inline void store(Real* to, Vec<Real> v) {
    __builtin_memcpy(to, &v, sizeof v);
}

// Writes the first `count` ≤ kLanes numbers and no more.
template <class Real>
[[gnu::always_inline]] inline void store(Real* to, Vec<Real> v, Index count) {
    if (count == kLanes<Real>) return store(to, v);
#if defined(__AVX512F__) && GRUTA_VECTOR_BYTES == 64
    const unsigned some = (1u << count) - 1;
    if constexpr (sizeof(Real) == 4) {
        return _mm512_mask_storeu_ps(to, static_cast<__mmask16>(some), v);
    } else {
        return _mm512_mask_storeu_pd(to, static_cast<__mmask8>(some), v);
    }
#endif
    __builtin_memcpy(to, &v, static_cast<std::size_t>(count) * sizeof(Real));
}

// a · b + c in one rounding where the CPU can. Sums of two products are written with it: left to
// itself the compiler may fuse either one, here this and there that, and one row would then get
// different bits in different tiles.
template <class Real>
[[gnu::always_inline]] inline Vec<Real> multiply_add(Vec<Real> a, Vec<Real> b, Vec<Real> c) {
#if defined(__AVX512F__) && GRUTA_VECTOR_BYTES == 64
    if constexpr (sizeof(Real) == 4) {
        return _mm512_fmadd_ps(a, b, c);
    } else {
        return _mm512_fmadd_pd(a, b, c);
    }
#elif defined(__FMA__) && GRUTA_VECTOR_BYTES == 32
    if constexpr (sizeof(Real) == 4) {
        return _mm256_fmadd_ps(a, b, c);
    } else {
        return _mm256_fmadd_pd(a, b, c);
    }
#else
    return a * b + c;
#endif
}

// v, whose roundings are its own: the compiler fuses no product in it with a sum that follows. So
// every instruction set comes to the same bits.
template <class V>
[[gnu::always_inline]] inline V apart(V v) {
#if defined(__x86_64__) && GRUTA_VECTOR_BYTES == 64
    __asm__("" : "+v"(v));
#elif defined(__x86_64__)
    __asm__("" : "+x"(v));
#elif defined(__aarch64__)
    __asm__("" : "+w"(v));
#else
    __asm__("" : "+m"(v));
#endif
    return v;
}

// The greater and the smaller of two numbers, x where either is NaN.
template <class Real>
[[gnu::always_inline]] inline Vec<Real> greater(Vec<Real> bound, Vec<Real> x) {
#if defined(__AVX512F__) && GRUTA_VECTOR_BYTES == 64
    if constexpr (sizeof(Real) == 4) return _mm512_maskz_max_ps(0xffff, bound, x);
    if constexpr (sizeof(Real) == 8) return _mm512_maskz_max_pd(0xff, bound, x);
#elif defined(__AVX__) && GRUTA_VECTOR_BYTES == 32
    if constexpr (sizeof(Real) == 4) return _mm256_max_ps(bound, x);
    if constexpr (sizeof(Real) == 8) return _mm256_max_pd(bound, x);
#else
    return bound > x ? bound : x;
#endif
}

template <class Real>
[[gnu::always_inline]] inline Vec<Real> smaller(Vec<Real> bound, Vec<Real> x) {
#if defined(__AVX512F__) && GRUTA_VECTOR_BYTES == 64
    if constexpr (sizeof(Real) == 4) return _mm512_maskz_min_ps(0xffff, bound, x);
    if constexpr (sizeof(Real) == 8) return _mm512_maskz_min_pd(0xff, bound, x);
#elif defined(__AVX__) && GRUTA_VECTOR_BYTES == 32
    if constexpr (sizeof(Real) == 4) return _mm256_min_ps(bound, x);
    if constexpr (sizeof(Real) == 8) return _mm256_min_pd(bound, x);
#else
    return bound < x ? bound : x;
#endif
}

// Weights of 16 bits, for inference: a number's bits, of a type of their own.
enum class Half : std::uint16_t {};      // IEEE 754 binary16
enum class Bfloat16 : std::uint16_t {};  // the upper half of a float

// Weights of 8 bits: whole numbers from −127 to 127, which quads.h multiplies with whole numbers.
enum class Int8 : std::int8_t {};

typedef std::uint16_t Shorts __attribute__((vector_size(GRUTA_VECTOR_BYTES / 2)));

inline Shorts load_shorts(const void* from) {
    Shorts v;
    __builtin_memcpy(&v, from, sizeof v);
    return v;
}

inline Bits<float> widen(Shorts v) {
    return __builtin_convertvector(v, Bits<float>);
}

// Weights are read a word at a time: one vector of them, or two in the halves of 32 bits, for the
// same lanes and two k's that follow each other. So each becomes a float in one instruction.
template <class Weight>
constexpr int kWordWeights = 1;
template <>
constexpr inline int kWordWeights<Bfloat16> = 2;

template <>
constexpr inline int kWordWeights<Int8> = 4;

template <class Real>
inline void load_word(const Real* from, Vec<Real> (&weights)[1]) {
    weights[0] = load(from);
}

inline void load_word(const Bfloat16* from, Vec<float> (&weights)[2]) {
    Bits<float> both;
    __builtin_memcpy(&both, from, sizeof both);
    weights[0] = reinterpret_cast<Vec<float>>(both << 16);
    weights[1] = reinterpret_cast<Vec<float>>(both & -0x10000);
}

// From IEEE 754 binary16.
[[gnu::always_inline]] inline Vec<float> from_half(Shorts v) {
#if defined(__AVX512F__) && GRUTA_VECTOR_BYTES == 64
    // Masked by all ones: GCC warns of what the plain form leaves undefined.
    return _mm512_maskz_cvtph_ps(0xffff, reinterpret_cast<__m256i>(v));
#elif defined(__F16C__) && GRUTA_VECTOR_BYTES == 32
    return _mm256_cvtph_ps(reinterpret_cast<__m128i>(v));
#else
    // Exponent and mantissa moved into place, as if the exponents had the same bias; one exact
    // product then mends the bias, subnormal numbers included. Infinity and NaN have all bits of
    // the exponent set.
    const Bits<float> bits = widen(v);
    const Bits<float> magnitude = (bits & 0x7fff) << 13;
    const Vec<float> finite = reinterpret_cast<Vec<float>>(magnitude) * 0x1p112f;
    const Bits<float> special = magnitude | 0x7f800000;
    const Bits<float> chosen =
        magnitude >= 0x7c00 << 13 ? special : reinterpret_cast<Bits<float>>(finite);
    return reinterpret_cast<Vec<float>>(chosen | (bits & 0x8000) << 16);
#endif
}

// To nearest, ties to even, and to infinity past the largest number.
[[gnu::always_inline]] inline Shorts to_half(Vec<float> v) {
#if defined(__AVX512F__) && GRUTA_VECTOR_BYTES == 64
    return reinterpret_cast<Shorts>(
        _mm512_maskz_cvtps_ph(0xffff, v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
#elif defined(__F16C__) && GRUTA_VECTOR_BYTES == 32
    return reinterpret_cast<Shorts>(_mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
#else
    const Bits<float> bits = reinterpret_cast<Bits<float>>(v), magnitude = bits & 0x7fffffff;
    // A subnormal half counts units of 2⁻²⁴; adding 0.5 to the float leaves the count, rounded, in
    // its low bits.
    const Vec<float> shifted = reinterpret_cast<Vec<float>>(magnitude) + 0.5f;
    const Bits<float> count = reinterpret_cast<Bits<float>>(shifted) - 0x3f000000;
    const Bits<float> rebased = magnitude - 0x38000000;
    const Bits<float> normal = (rebased + 0xfff + (rebased >> 13 & 1)) >> 13;
    const Bits<float> special = magnitude > 0x7f800000 ? Bits<float>{} + 0x7e00 : 0x7c00;
    const Bits<float> finite = magnitude < 0x38800000 ? count : normal;
    const Bits<float> found = magnitude >= 0x477ff000 ? special : finite;
    return __builtin_convertvector(found | (bits >> 16 & 0x8000), Shorts);
#endif
}

inline void load_word(const Half* from, Vec<float> (&weights)[1]) {
    weights[0] = from_half(load_shorts(from));
}

}  // namespace gruta::GRUTA_ISA
