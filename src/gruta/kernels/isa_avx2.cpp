#define GRUTA_ISA avx2
#define GRUTA_VECTOR_BYTES 32
#include "gruta/kernels/table.h"
