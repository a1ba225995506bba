/* What a Cortex-M reads when it begins: where the stack lies, and what runs. */
#include <stdint.h>

extern char stack_top;
void _start(void);

__attribute__((section(".vectors"), used)) static const void* const vectors[2] = {
    &stack_top, (const void*)(uintptr_t)_start};
