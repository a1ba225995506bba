// A language model that writes: units drawn, taken in and scored without Python in between.
#pragma once

#include <nanobind/nanobind.h>

namespace gruta {

// Adds LanguageModel.
void bind_language_model(nanobind::module_& module);

}  // namespace gruta
