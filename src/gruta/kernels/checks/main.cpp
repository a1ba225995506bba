// check_kernels: the kernels of one instruction set against a reference, without Python.
//
//   check_kernels [--quick] [layers] [bits] [rows] [storage] [integers] [matrix] [sizes] [packs]
//   [threads] [forks]
//
// Runs the named parts, or all of them. GRUTA_ISA picks the instruction set. Exits with 1 when
// anything is wrong. ThreadSanitizer and qemu, which follow no threads into a fork, must be spared
// that part.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>

#include "gruta/kernels/checks/array.h"
#include "gruta/kernels/checks/report.h"
#include "gruta/kernels/dispatch.h"

// Kernels take their memory from here: it is as long as they ask for, and begins as NaN.
void* operator new(std::size_t bytes, std::align_val_t alignment) {
    constexpr std::size_t kMost = std::size_t{1} << 40;
    void* memory = nullptr;
    if (bytes > kMost || posix_memalign(&memory, static_cast<std::size_t>(alignment), bytes) != 0) {
        throw std::bad_alloc();
    }
    std::memset(memory, gruta::checks::kPoison, bytes);
    return memory;
}
void operator delete(void* memory, std::align_val_t) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    std::free(memory);
}

namespace {

using namespace gruta::checks;

struct Part {
    const char* name;
    void (*check)(Report&, Effort);
};

constexpr Part kParts[] = {{"layers", check_layers},     {"bits", check_bits},
                           {"rows", check_rows},         {"storage", check_storage},
                           {"integers", check_integers}, {"matrix", check_matrix},
                           {"sizes", check_sizes},       {"packs", check_packs},
                           {"threads", check_threads},   {"forks", check_forks}};

int usage() {
    std::fputs(
        "usage: check_kernels [--quick] [layers] [bits] [rows] [storage] [integers] [matrix] "
        "[sizes] "
        "[packs] [threads] [forks]\n",
        stderr);
    return 2;
}

int check_all(int count, char** words) {
    Effort effort;
    bool wanted[std::size(kParts)] = {}, any = false;
    for (int i = 1; i < count; ++i) {
        if (std::strcmp(words[i], "--quick") == 0) {
            effort.quick = true;
            continue;
        }
        bool known = false;
        for (std::size_t p = 0; p < std::size(kParts); ++p) {
            if (std::strcmp(words[i], kParts[p].name) == 0) wanted[p] = known = any = true;
        }
        if (!known) return usage();
    }
    std::printf("kernels for %s\n", gruta::isa().name);
    Report report;
    for (std::size_t p = 0; p < std::size(kParts); ++p) {
        if (any && !wanted[p]) continue;
        const long before = report.checks();
        kParts[p].check(report, effort);
        std::printf("%s: %ld checks\n", kParts[p].name, report.checks() - before);
        std::fflush(stdout);
    }
    std::printf("%ld of %ld checks failed\n", report.failures(), report.checks());
    return report.failures() == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
    try {
        return check_all(count, words);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
