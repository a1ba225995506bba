// Four products of whole numbers in each lane, and their sum added to what stands there: on the
// instructions of one set, all to the same bits.
#pragma once

#include "gruta/kernels/integers.h"
#include "gruta/kernels/simd.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace gruta::GRUTA_ISA {

inline std::int32_t load_quad(const std::int8_t* from) {
    std::int32_t quad;
    __builtin_memcpy(&quad, from, sizeof quad);
    return quad;
}

inline Bits<float> load_bits(const void* from) {
    Bits<float> bits;
    __builtin_memcpy(&bits, from, sizeof bits);
    return bits;
}

// Sums that are under way at once for each of so many: as many as hide how long an addition takes.
constexpr int kChains(int sums) {
#if defined(__AVX512VNNI__) || defined(__AVXVNNI__)
    return sums == 1 ? 8 : sums < 4 ? 4 : sums == 4 ? 2 : 1;
#else
    return sums == 1 ? 2 : 1;
#endif
}

// Four numbers of x, in each lane, as products take them; and what sums start at.
#if defined(__AVX512VNNI__) || defined(__AVXVNNI__) || defined(GRUTA_QUADS_BY_OFFSET)
// Weights meet x + 128, which has no sign: sums start at −128 times those of the weights.
struct Quad {
    Bits<float> above;

    explicit Quad(std::int32_t x) : above(Bits<float>{} + (x ^ std::int32_t(0x80808080u))) {}

    static Bits<float> start(const std::int32_t* totals, std::int32_t) {
        return load_bits(totals) * -128;
    }

    Bits<float> add(Bits<float> sums, Bits<float> weights) const {
#if defined(__AVX512VNNI__)
        return reinterpret_cast<Bits<float>>(
            _mm512_dpbusd_epi32(reinterpret_cast<__m512i>(sums), reinterpret_cast<__m512i>(above),
                                reinterpret_cast<__m512i>(weights)));
#elif defined(__AVXVNNI__)
        return reinterpret_cast<Bits<float>>(_mm256_dpbusd_avx_epi32(
            reinterpret_cast<__m256i>(sums), reinterpret_cast<__m256i>(above),
            reinterpret_cast<__m256i>(weights)));
#else
        for (int byte = 0; byte < 4; ++byte) {
            sums += (above >> 8 * byte & 0xff) * (weights << (24 - 8 * byte) >> 24);
        }
        return sums;
#endif
    }
};
#elif (defined(__AVX2__) && GRUTA_VECTOR_BYTES == 32) || \
    (defined(__AVX512BW__) && GRUTA_VECTOR_BYTES == 64)
// |x| meets the weights with the sign of x: two such products fit in 16 bits.
#if GRUTA_VECTOR_BYTES == 32
// Where x is below 0 weights have all bits turned, which gives −w − 1 for −w at less cost: sums
// start at what is then missing.
struct Quad {
    __m256i turned, abs, ones;

    explicit Quad(std::int32_t four)
        : turned(_mm256_cmpgt_epi8(_mm256_setzero_si256(), _mm256_set1_epi32(four))),
          abs(_mm256_abs_epi8(_mm256_set1_epi32(four))),
          ones(_mm256_set1_epi16(1)) {}

    static Bits<float> start(const std::int32_t*, std::int32_t below) {
        return Bits<float>{} + below;
    }

    Bits<float> add(Bits<float> sums, Bits<float> weights) const {
        const __m256i pairs =
            _mm256_maddubs_epi16(abs, reinterpret_cast<__m256i>(weights) ^ turned);
        return sums + reinterpret_cast<Bits<float>>(_mm256_madd_epi16(pairs, ones));
    }
};
#else
struct Quad {
    __mmask64 negative;
    __m512i abs, ones;

    explicit Quad(std::int32_t four)
        : negative(_mm512_movepi8_mask(_mm512_set1_epi32(four))),
          abs(_mm512_abs_epi8(_mm512_set1_epi32(four))),
          ones(_mm512_set1_epi16(1)) {}

    static Bits<float> start(const std::int32_t*, std::int32_t) { return Bits<float>{}; }

    Bits<float> add(Bits<float> sums, Bits<float> weights) const {
        const __m512i w = reinterpret_cast<__m512i>(weights);
        const __m512i signed_weights = _mm512_mask_sub_epi8(w, negative, _mm512_setzero_si512(), w);
        const __m512i pairs = _mm512_maddubs_epi16(abs, signed_weights);
        return sums + reinterpret_cast<Bits<float>>(_mm512_madd_epi16(pairs, ones));
    }
};
#endif
#elif defined(__aarch64__)
struct Quad {
    int8x16_t x;

    explicit Quad(std::int32_t four) : x(vreinterpretq_s8_s32(vdupq_n_s32(four))) {}

    static Bits<float> start(const std::int32_t*, std::int32_t) { return Bits<float>{}; }

    // Two products fit in 16 bits.
    Bits<float> add(Bits<float> sums, Bits<float> weights) const {
        const int8x16_t w = reinterpret_cast<int8x16_t>(weights);
        const int16x8_t pairs =
            vpaddq_s16(vmull_s8(vget_low_s8(w), vget_low_s8(x)), vmull_high_s8(w, x));
        return reinterpret_cast<Bits<float>>(vpadalq_s16(reinterpret_cast<int32x4_t>(sums), pairs));
    }
};
#else
struct Quad {
    Bits<float> byte[4];

    explicit Quad(std::int32_t four) {
        for (int i = 0; i < 4; ++i) byte[i] = Bits<float>{} + (four << (24 - 8 * i) >> 24);
    }

    static Bits<float> start(const std::int32_t*, std::int32_t) { return Bits<float>{}; }

    Bits<float> add(Bits<float> sums, Bits<float> weights) const {
        for (int i = 0; i < 4; ++i) sums += (weights << (24 - 8 * i) >> 24) * byte[i];
        return sums;
    }
};
#endif

// The sums of P panels from `first` on, side by side: they share what is made of a row.
template <int G, int P>
[[gnu::always_inline]] inline void add_panels(const IntegerRow& row, const IntegerWeights& packed,
                                              int first, const IntegerStart& start,
                                              const IntegerSums<float>& found) {
    // Of one panel what counts the words is felt.
    constexpr int count = G * P, chains = kChains(count), at_once = P == 1 ? 4 : chains;
    constexpr Index lanes = kLanes<float>;
    const std::int8_t *x = row.numbers, *weights[P];
    Bits<float> sums[chains][count] = {};
    const auto panel = [&](int p) {
        return IntegerPanel(packed.first + (first + p) * packed.panel, G * lanes);
    };
    unrolled<P>([&](int p) {
        const IntegerPanel own = panel(p);
        weights[p] = own.weights;
        unrolled<G>(
            [&](int g) { sums[0][p * G + g] = Quad::start(own.totals + g * lanes, row.below); });
    });
    const auto add = [&](Bits<float>(&to)[count]) __attribute__((always_inline)) {
        const Quad quad(load_quad(x));
        unrolled<P>([&](int p) {
            unrolled<G>([&](int g) {
                Bits<float>& sum = to[p * G + g];
                sum = quad.add(sum, load_bits(weights[p] + g * GRUTA_VECTOR_BYTES));
            });
            weights[p] += G * GRUTA_VECTOR_BYTES;
        });
        x += 4;
    };
    std::int64_t n = 0;
    for (; n + at_once <= packed.words; n += at_once) {
        unrolled<at_once>([&](int i) { add(sums[i % chains]); });
    }
    for (; n < packed.words; ++n) add(sums[0]);
    unrolled<chains - 1>(
        [&](int chain) { unrolled<count>([&](int i) { sums[0][i] += sums[chain + 1][i]; }); });
    unrolled<P>([&](int p) {
        const IntegerPanel own = panel(p);
        unrolled<G>([&](int g) {
            const bool aside = g == G - 1 && start.last != nullptr;
            const IntegerSums<const float>& given = start.sums;
            const Vec<float> from =
                load(aside ? start.last + (first + p) * lanes
                           : given.first + g * given.gate + (first + p) * given.panel);
            const Vec<float> scales = load(own.scales + g * lanes) * row.scale;
            const Vec<float> whole = __builtin_convertvector(sums[0][p * G + g], Vec<float>);
            store(found.first + g * found.gate + (first + p) * found.panel,
                  from + apart(whole * scales));
        });
    });
}

// See AddIntegers.
template <int G>
void add_integers(const IntegerRow& row, const IntegerWeights& packed, const IntegerStart& start,
                  const IntegerSums<float>& found) {
    int first = 0;
    for (; first + 2 <= packed.panels; first += 2)
        add_panels<G, 2>(row, packed, first, start, found);
    if (first < packed.panels) add_panels<G, 1>(row, packed, first, start, found);
}

}  // namespace gruta::GRUTA_ISA
