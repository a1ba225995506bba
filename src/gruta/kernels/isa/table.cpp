#include "gruta/kernels/table.h"

#include "gruta/kernels/probe.h"

namespace gruta::GRUTA_ISA {

extern const Kernels kernels;
constinit const Kernels kernels = {&float32_cells,
                                   &float64_cells,
                                   &float16_cells,
                                   &bfloat16_cells,
                                   {multiply_add_rounds, stream_rounds}};

}  // namespace gruta::GRUTA_ISA
