#include "gruta/kernels/quads.h"

namespace gruta::GRUTA_ISA {

extern const IntegerProducts integers;
constinit const IntegerProducts integers = {
    {{add_integers<1, 1>, add_integers<2, 1>, add_integers<3, 1>, add_integers<4, 1>},
     {add_integers<1, 2>, add_integers<2, 2>, add_integers<3, 2>, add_integers<4, 2>}}};

}  // namespace gruta::GRUTA_ISA
