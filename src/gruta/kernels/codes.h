// Numbers in 16 bits, for what a step saves for the way back.
//
// What σ and tanh make lies in a range that is known, so it is written in steps of equal size, 2⁻¹⁶
// and 2⁻¹⁵ of it: a gate near 1 then says how far from 1 it is, where float16 says that to a part
// in ten once z = 0.999, and bfloat16 not at all. What has no such range is a float16.
#pragma once

#include "gruta/kernels/simd.h"

namespace gruta::GRUTA_ISA {

enum class Code {
    share,   // from 0 to 1
    sign,    // from −1 to 1
    number,  // any; the largest float16 for one beyond it
};

using Coded = std::uint16_t;

namespace steps {

typedef std::int16_t Signed __attribute__((vector_size(GRUTA_VECTOR_BYTES / 2)));

constexpr float kMost = 32767;
constexpr std::int32_t kNan = -32768;  // no number's

// Whole numbers to nearest, from −kMost to kMost, or kNan.
[[gnu::always_inline]] inline Shorts round(Vec<float> v) {
#if defined(__AVX512F__) && GRUTA_VECTOR_BYTES == 64
    const __m512i whole = _mm512_maskz_cvtps_epi32(0xffff, v);  // the least number for NaN
    return reinterpret_cast<Shorts>(_mm512_maskz_cvtsepi32_epi16(0xffff, whole));
#elif defined(__AVX2__) && GRUTA_VECTOR_BYTES == 32
    const __m256i whole = _mm256_cvtps_epi32(v);
    return reinterpret_cast<Shorts>(
        _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1)));
#else
    // Added to 1.5 · 2²³ a float is rounded to a whole number, which stands in its low bits.
    const Bits<float> whole = reinterpret_cast<Bits<float>>(v + 0x1.8p23f);
    return __builtin_convertvector(v == v ? whole : kNan + Bits<float>{}, Shorts);
#endif
}

}  // namespace steps

template <Code code>
[[gnu::always_inline]] inline void store_code(Coded* to, Vec<float> v, Index count) {
    Shorts found;
    if constexpr (code == Code::share) {
        found = steps::round(multiply_add<float>(v, splat(2 * steps::kMost), splat(-steps::kMost)));
    } else if constexpr (code == Code::sign) {
        found = steps::round(v * steps::kMost);
    } else {
        found = to_half(greater<float>(splat(-65504.0f), smaller<float>(splat(65504.0f), v)));
    }
    const auto bytes = static_cast<std::size_t>(count) * sizeof(Coded);
    if (count == kLanes<float>) {
        __builtin_memcpy(to, &found, sizeof found);
    } else {
        __builtin_memcpy(to, &found, bytes);
    }
}

template <Code code>
[[gnu::always_inline]] inline Vec<float> load_code(const Coded* from, Index count) {
    Shorts found = {};
    if (count == kLanes<float>) {
        __builtin_memcpy(&found, from, sizeof found);
    } else {
        __builtin_memcpy(&found, from, static_cast<std::size_t>(count) * sizeof(Coded));
    }
    if constexpr (code == Code::number) return from_half(found);
    const auto whole = __builtin_convertvector(reinterpret_cast<steps::Signed>(found), Bits<float>);
    // 0 and ±1 come back as they were.
    constexpr auto first = static_cast<std::int32_t>(code == Code::share ? steps::kMost : 0);
    constexpr float step = (code == Code::share ? 0.5f : 1.0f) / steps::kMost;
    const Vec<float> v = __builtin_convertvector(whole + first, Vec<float>) * step;
    return reinterpret_cast<Vec<float>>(reinterpret_cast<Bits<float>>(v) | (whole == steps::kNan));
}

}  // namespace gruta::GRUTA_ISA
