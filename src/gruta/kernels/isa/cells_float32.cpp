#include "gruta/kernels/table.h"

namespace gruta::GRUTA_ISA {

constinit const Cells<float> float32_cells = AllCells::all<float>;

// Only the products read weights of 16 and of 8 bits.
constinit const SmallCells float16_cells = AllCells::small<Half>;
constinit const SmallCells bfloat16_cells = AllCells::small<Bfloat16>;
constinit const IntegerCells int8_cells = AllCells::integers;

}  // namespace gruta::GRUTA_ISA
