// A language model that writes: units drawn, taken in and scored without Python in between.
#pragma once

#include <nanobind/nanobind.h>

namespace gruta {

// Adds Writer.
void bind_writer(nanobind::module_& module);

}  // namespace gruta
