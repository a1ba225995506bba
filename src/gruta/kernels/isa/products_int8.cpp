#include "gruta/kernels/integer_tile.h"

namespace gruta::GRUTA_ISA {

template <>
const Storage<float>& storage<Int8>() {
    static constexpr Rounding<float> rounding = {rounded_bytes, round_row};
    static constexpr Storage<float> found = {
        sizeof(Int8),
        kWordWeights<Int8>,
        {integer_tiles<1>(), integer_tiles<2>(), integer_tiles<3>(), integer_tiles<4>()},
        pack_integers,
        kIntegerHeader,
        &rounding,
        1};
    return found;
}

}  // namespace gruta::GRUTA_ISA
