// Sums of products of whole numbers, for weights of 8 bits: the one part of the kernels that
// instruction sets have for which nothing else is compiled anew.
#pragma once

#include <cstdint>

namespace gruta {

// Sets sums [G][lane] to those of x with the weights of a panel, [word][G][lane][4], of so many
// words: four k's each, as x has them one behind the other. All numbers lie from −127 to 127, and a
// sum of up to 2¹⁷ products is exact. totals [G][lane]: the sums of the weights alone.
using IntegerSums = void (*)(const std::int8_t* x, const std::int8_t* weights,
                             const std::int32_t* totals, std::int64_t words, std::int32_t* sums);

struct IntegerProducts {
    IntegerSums of_gates[4];  // of 1, 2, 3 and 4 gates
};

// Those of the instruction set that serves this process; the first use decides.
extern const IntegerProducts* integer_products;

}  // namespace gruta
