#include "gruta/kernels/probe.h"
#include "gruta/kernels/table.h"

namespace gruta::GRUTA_ISA {

constinit const Cells<double> float64_cells = AllCells::all<double>;

// The whole table, here since it reads the same headers.
extern const Kernels kernels;
constinit const Kernels kernels = {&float32_cells, &float64_cells,
                                   &float16_cells, &bfloat16_cells,
                                   &int8_cells,    {multiply_add_rounds, stream_rounds}};

}  // namespace gruta::GRUTA_ISA
