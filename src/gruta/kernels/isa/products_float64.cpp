#include "gruta/kernels/storage.h"

namespace gruta::GRUTA_ISA {

template const StorageOf<double>& storage<double>();

}  // namespace gruta::GRUTA_ISA
