// How weights of one dtype are packed and multiplied: included where that is compiled.
#pragma once

#include "gruta/kernels/pack.h"
#include "gruta/kernels/tile.h"

namespace gruta::GRUTA_ISA {

template <class Weight>
const StorageOf<Weight>& storage() {
    using Real = typename RealOf<Weight>::Real;
    static constexpr Storage<Real> found = {
        sizeof(Weight),
        kWordWeights<Weight>,
        {tiles_of<1, Weight, Real>(), tiles_of<2, Weight, Real>(), tiles_of<3, Weight, Real>(),
         tiles_of<4, Weight, Real>()},
        pack<Real, Weight>};
    return found;
}

}  // namespace gruta::GRUTA_ISA
