// Packed weights for inference, kept from one call to the next.
//
// PyTorch does not say reliably whether weights have changed. So a copy of them is kept as well,
// and every call compares it, bit for bit: that is read at the speed of the caches, where packing
// them again would also write, to memory that is often fresh.
#pragma once

#include <memory>

#include "gruta/kernels/call.h"

namespace gruta {

// `weights` packed for `kernels`, from an earlier call if they still are what they were then.
template <class Real>
std::shared_ptr<const Memory> kept_pack(const ForwardKernels<Real>& kernels, const Shape& shape,
                                        const Weights<Real>& weights, int gates);

}  // namespace gruta
