// What the machine can do at most, measured by the same kind of code as the kernels are.
#pragma once

#include "gruta/kernels/gemm.h"

namespace gruta::GRUTA_ISA {

// Products and sums in registers alone: returns how many floating point operations were done, and
// through `sink` a number that keeps the compiler from leaving them out.
inline std::int64_t multiply_add_rounds(std::int64_t rounds, float* sink) {
    constexpr int sums = kRegisters / 2;
    Vec<float> sum[sums];
    for (int s = 0; s < sums; ++s) sum[s] = splat(static_cast<float>(s));  // none is another's twin
    const Vec<float> factor = splat(0.999f), term = splat(1e-3f);
    for (std::int64_t i = 0; i < rounds; ++i) {
        for (int s = 0; s < sums; ++s) sum[s] = multiply_add<float>(sum[s], factor, term);
    }
    for (int s = 1; s < sums; ++s) sum[0] += sum[s];
    store(sink, sum[0], 1);
    return rounds * sums * 2 * kLanes<float>;
}

// A product of one row with a matrix of K · panels vectors, `rounds` times: each reads all of it.
// Returns the bytes read.
inline std::int64_t stream_rounds(const float* row, const float* weights, std::int64_t K,
                                  std::int64_t panels, std::int64_t rounds, float* sink) {
    const Product<float> product =
        from_zero<float>({{1, K, 0}, weights, K * kLanes<float>, {nullptr, row, 0}});
    for (std::int64_t i = 0; i < rounds; ++i) {
        multiply<1>(storage<float>(), {0, 1}, {0, panels}, product,
                    [=](const Tile&, const Vec<float>* sums) { store(sink, sums[0], 1); });
    }
    return rounds * panels * K * GRUTA_VECTOR_BYTES;
}

}  // namespace gruta::GRUTA_ISA
