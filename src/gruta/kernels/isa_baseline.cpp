#define GRUTA_ISA baseline
#define GRUTA_VECTOR_BYTES 16
#include "gruta/kernels/table.h"
