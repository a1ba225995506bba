#include "gruta/kernels/table.h"

namespace gruta::GRUTA_ISA {

constinit const Cells<float> float32_cells = all_cells<float>();

// Only the products read weights of 16 bits.
constinit const SmallCells float16_cells = small_cells<Half>();
constinit const SmallCells bfloat16_cells = small_cells<Bfloat16>();

}  // namespace gruta::GRUTA_ISA
