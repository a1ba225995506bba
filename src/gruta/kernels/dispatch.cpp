#include "gruta/kernels/dispatch.h"

#include "gruta/kernels/tier.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

namespace gruta {

bool fast_activations = false;
const IntegerProducts* integer_products = nullptr;
const MatrixProducts* matrix_products = nullptr;

namespace baseline {
extern const Kernels kernels;
extern const IntegerProducts integers;
}  // namespace baseline

// CMakeLists.txt says which of them are compiled.
#if defined(GRUTA_HAS_AVX2)
namespace avx2 {
extern const Kernels kernels;
extern const IntegerProducts integers;
}  // namespace avx2
#endif
#if defined(GRUTA_HAS_AVXVNNI)
namespace avxvnni {
extern const IntegerProducts integers;
}
#endif
#if defined(GRUTA_HAS_AVX512)
namespace avx512 {
extern const Kernels kernels;
extern const IntegerProducts integers;
}  // namespace avx512
#endif
#if defined(GRUTA_HAS_AVX512VNNI)
namespace avx512vnni {
extern const IntegerProducts integers;
}
#endif
#if defined(GRUTA_HAS_AVX512AMX)
namespace avx512amx {
extern const MatrixProducts matrix;
}
#endif

namespace {

#if defined(__x86_64__)
// Clang before 17 cannot be asked for it by name.
bool has_f16c() {
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}

[[maybe_unused]] bool has_avx2() {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
}

[[maybe_unused]] bool has_avx512() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && has_avx2();
}

[[maybe_unused]] bool has_avx512vnni() {
    return has_avx512() && __builtin_cpu_supports("avx512vnni");
}

// The system lets a process use the matrix unit that asks for it: its state is large.
[[maybe_unused]] bool has_avx512amx() {
#if defined(__linux__) && defined(SYS_arch_prctl)
    constexpr unsigned bf16 = 1u << 22, tiles = 1u << 24;
    constexpr long ask = 0x1023, tile_data = 18;
    unsigned a, b, c, d;
    return has_avx512vnni() && __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 &&
           (d & (bf16 | tiles)) == (bf16 | tiles) && syscall(SYS_arch_prctl, ask, tile_data) == 0;
#else
    return false;
#endif
}

// Compilers of today cannot all be asked for it by name. Its registers are those of AVX2.
[[maybe_unused]] bool has_avxvnni() {
    unsigned a, b, c, d;
    return has_avx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & 1u << 4) != 0;
}
#endif

// Widest first. Each test asks for what CMakeLists.txt lets the compiler use in that file.
constexpr Isa kIsas[] = {
#if defined(GRUTA_HAS_AVX512AMX)
    {"avx512amx", 64, &avx512::kernels, &avx512vnni::integers, &avx512amx::matrix, has_avx512amx},
#endif
#if defined(GRUTA_HAS_AVX512VNNI)
    {"avx512vnni", 64, &avx512::kernels, &avx512vnni::integers, nullptr, has_avx512vnni},
#endif
#if defined(GRUTA_HAS_AVX512)
    {"avx512", 64, &avx512::kernels, &avx512::integers, nullptr, has_avx512},
#endif
#if defined(GRUTA_HAS_AVXVNNI)
    {"avxvnni", 32, &avx2::kernels, &avxvnni::integers, nullptr, has_avxvnni},
#endif
#if defined(GRUTA_HAS_AVX2)
    {"avx2", 32, &avx2::kernels, &avx2::integers, nullptr, has_avx2},
#endif
    {"baseline", 16, &baseline::kernels, &baseline::integers, nullptr, [] { return true; }},
};

const Isa& choose() {
    const char* const wanted = std::getenv("GRUTA_ISA");
    const bool automatic = wanted == nullptr || *wanted == '\0';
    std::string accepted;
    for (const Isa& candidate : kIsas) {
        if (!candidate.runs_here()) continue;
        if (automatic || std::string_view(wanted) == candidate.name) return candidate;
        accepted += accepted.empty() ? "" : ", ";
        accepted += candidate.name;
    }
    throw std::invalid_argument(
        "GRUTA_ISA must be one of the instruction sets that this CPU has (" + accepted +
        "), got '" + wanted + "': correct it, or unset it to get the fastest");
}

bool wants_fast_activations() {
    const char* const wanted = std::getenv("GRUTA_ACTIVATIONS");
    const std::string_view name = wanted == nullptr ? "" : wanted;
    if (name.empty() || name == "exact") return false;
    if (name == "fast") return true;
    throw std::invalid_argument("GRUTA_ACTIVATIONS must be exact or fast, got '" +
                                std::string(name) + "': correct it, or unset it to get exact ones");
}

}  // namespace

const Isa& isa() {
    static const Isa& chosen = []() -> const Isa& {
        fast_activations = wants_fast_activations();
        const Isa& found = choose();
        integer_products = found.integers;
        matrix_products = found.matrix;
        return found;
    }();
    return chosen;
}

}  // namespace gruta
