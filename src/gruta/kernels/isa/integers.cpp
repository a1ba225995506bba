#include "gruta/kernels/quads.h"

namespace gruta::GRUTA_ISA {

extern const IntegerProducts integers;
constinit const IntegerProducts integers = {
    {integer_sums<1>, integer_sums<2>, integer_sums<3>, integer_sums<4>}};

}  // namespace gruta::GRUTA_ISA
