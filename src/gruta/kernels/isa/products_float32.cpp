#include "gruta/kernels/storage.h"

namespace gruta::GRUTA_ISA {

template const StorageOf<float>& storage<float>();

}  // namespace gruta::GRUTA_ISA
