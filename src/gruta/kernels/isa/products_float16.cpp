#include "gruta/kernels/storage.h"

namespace gruta::GRUTA_ISA {

template const StorageOf<Half>& storage<Half>();

}  // namespace gruta::GRUTA_ISA
