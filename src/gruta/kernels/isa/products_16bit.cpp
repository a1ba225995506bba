#include "gruta/kernels/storage.h"

namespace gruta::GRUTA_ISA {

template const StorageOf<Half>& storage<Half>();
template const StorageOf<Bfloat16>& storage<Bfloat16>();

}  // namespace gruta::GRUTA_ISA
