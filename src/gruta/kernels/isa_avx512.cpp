#define GRUTA_ISA avx512
#define GRUTA_VECTOR_BYTES 64
#include "gruta/kernels/table.h"
