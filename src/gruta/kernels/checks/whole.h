// Whole numbers in place of a row's, with the roundings that integer_tile.h says.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "gruta/kernels/checks/problem.h"

namespace gruta::checks {

// A row's whole numbers and what they are multiplied by.
struct Whole {
    std::vector<int> numbers;
    float scale;
};

// A row of weights is divided by its scale, a row that meets them multiplied. `volatile`, so that
// each operation is rounded by itself.
inline Whole whole(const Numbers& row, bool is_weight) {
    float largest = 0;
    for (const double number : row) {
        largest = std::max(largest, std::abs(static_cast<float>(number)));
    }
    const volatile float scale = largest / 127, inverse = largest > 0 ? 127 / largest : 0;
    Whole found = {{}, scale};
    for (const double number : row) {
        const auto value = static_cast<float>(number);
        const volatile float steps = !is_weight ? value * inverse : largest > 0 ? value / scale : 0;
        found.numbers.push_back(static_cast<int>(std::nearbyintf(steps)));
    }
    return found;
}

inline float product(const Whole& a, const Whole& b) {
    int sum = 0;
    for (std::size_t k = 0; k < a.numbers.size(); ++k) sum += a.numbers[k] * b.numbers[k];
    const volatile float scale = a.scale * b.scale;
    const volatile float found = static_cast<float>(sum) * scale;
    return found;
}

}  // namespace gruta::checks
