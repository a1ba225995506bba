// How exact σ and tanh are in this process.
#pragma once

namespace gruta {

// The faster tier serves float32; GRUTA_ACTIVATIONS asks for it, and the first use decides.
extern bool fast_activations;

}  // namespace gruta
