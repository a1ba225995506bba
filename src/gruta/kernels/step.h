// One step, which hands out the new states alone, and its way in for PyTorch's tensors.
#pragma once

#include <nanobind/nanobind.h>

#include <vector>

#include "gruta/kernels/call.h"
#include "gruta/kernels/denormals.h"

namespace gruta {

// From the initial states of `pass` to the final ones. The kernels write h besides, which comes to
// `output`; `scratch` has what one thread needs on the way.
template <class Real>
void run_step(const ForwardKernels<Real>& kernels, const Shape& shape, const void* packed,
              Forward<Real> pass, const Plan& plan, Memory& output, const Memory& scratch) {
    output.grow(sizeof(Real) * static_cast<std::size_t>(shape.B * shape.P));
    pass.h = {static_cast<Real*>(output.data()), 0, shape.P};
    if (plan.threads() > 1) return run_forward(kernels, shape, {packed}, {pass}, plan);
    Team alone;
    const FlushDenormals flush;
    kernels.run(shape, packed, pass, scratch.data(), alone);
}

// Adds torch_step.
void bind_step(nanobind::module_& module);

}  // namespace gruta
