#include "gruta/kernels/quads.h"

namespace gruta::GRUTA_ISA {

extern const IntegerProducts integers;
constinit const IntegerProducts integers = {
    {add_integers<1>, add_integers<2>, add_integers<3>, add_integers<4>}};

}  // namespace gruta::GRUTA_ISA
