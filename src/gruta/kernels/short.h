// A plain layer on PyTorch's tensors, in one direction and with nothing between its steps: read,
// checked, given memory and computed here, as each of that costs more in Python than a short call.
#pragma once

#include <nanobind/nanobind.h>

namespace gruta {

// Adds torch_layer, torch_forward and torch_backward.
void bind_short(nanobind::module_& module);

}  // namespace gruta
