// Sums of products of whole numbers, for weights of 8 bits: the one part of the kernels that
// instruction sets have for which nothing else is compiled anew.
#pragma once

#include <cstdint>

namespace gruta {

// Packed weights of 8 bits of one panel: [G][lane] the scales of their rows and the sums of these,
// and then the weights, [word][G][lane][4], four k's to a word. All numbers lie from −127 to 127,
// and a sum of up to 2¹⁷ products is exact.
struct IntegerPanel {
    const float* scales;
    const std::int32_t* totals;
    const std::int8_t* weights;

    IntegerPanel(const void* packed, std::int64_t lanes)
        : scales(static_cast<const float*>(packed)),
          totals(reinterpret_cast<const std::int32_t*>(scales + lanes)),
          weights(reinterpret_cast<const std::int8_t*>(totals + lanes)) {}
};

// Packed weights of some panels, each `panel` bytes behind the one before.
struct IntegerWeights {
    const std::int8_t* first;
    std::int64_t panel, words;
    int panels;
};

// Numbers [lane] of a gate and of the next one, `gate` behind it, of a panel and of the next one,
// `panel` behind it.
template <class Number>
struct IntegerSums {
    Number* first;
    std::int64_t gate, panel;
};

// What sums start at; of the last gate at `last`, panels one behind the other, where that is not
// null.
struct IntegerStart {
    IntegerSums<const float> sums;
    const float* last;
};

// What weights are multiplied by: numbers from −127 to 127 one behind the other, their scale, and
// the sum of those below 0, without its sign.
struct IntegerRow {
    const std::int8_t* numbers;
    float scale;
    std::int32_t below;
};

// Sets what is found to start + Σ x w · scales.
using AddIntegers = void (*)(const IntegerRow& x, const IntegerWeights&, const IntegerStart&,
                             const IntegerSums<float>& found);

struct IntegerProducts {
    AddIntegers of_gates[4];  // of 1, 2, 3 and 4 gates
};

// Those of the instruction set that serves this process; the first use decides.
extern const IntegerProducts* integer_products;

}  // namespace gruta
