#include "gruta/kernels/storage.h"

#if GRUTA_VECTOR_BYTES == 64
#include "gruta/kernels/matrix_tile.h"
#endif

namespace gruta::GRUTA_ISA {

template const StorageOf<Half>& storage<Half>();
template const StorageOf<Bfloat16>& storage<Bfloat16>();

#if GRUTA_VECTOR_BYTES == 64
template <>
const Storage<float>& layer_storage<Bfloat16>() {
    static constexpr Rounding<float> rounding = {matrix_row_bytes, round_matrix_row};
    static constexpr Storage<float> found = {
        sizeof(Bfloat16),
        kWordWeights<Bfloat16>,
        {},
        pack<float, Bfloat16>,
        0,
        &rounding,
        2 * kMatrixRows,
        {multiply_on_unit<1>, multiply_on_unit<2>, multiply_on_unit<3>, multiply_on_unit<4>}};
    return matrix_products == nullptr ? storage<Bfloat16>() : found;
}
#endif

}  // namespace gruta::GRUTA_ISA
