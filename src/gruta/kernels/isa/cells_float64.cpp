#include "gruta/kernels/table.h"

namespace gruta::GRUTA_ISA {

constinit const Cells<double> float64_cells = AllCells::all<double>;

}  // namespace gruta::GRUTA_ISA
