// Sizes that no memory can hold: said so before anything is touched.
#include <limits>
#include <new>

#include "gruta/kernels/checks/pass.h"

namespace gruta::checks {

namespace {

constexpr std::int64_t k2To(int exponent) {
    return std::int64_t{1} << exponent;
}
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

// B, T, I, H, P. The sizes of packed weights depend on the last three.
constexpr Shape kTooLarge[] = {
    {1, 1, 1, k2To(62), k2To(62)},
    {1, 1, 1, k2To(61), k2To(61)},
    {1, 1, 1, k2To(60), k2To(60)},
    {1, 1, 1, k2To(58), k2To(58)},
    {1, 1, 1, kMost, kMost},
    {1, 1, 1, kMost - 7, kMost - 7},
    {k2To(31), 1, 1, k2To(32), k2To(32)},
    {k2To(62), 1, 1, 3, 3},
    {kMost, 1, 1, 1, 1},
    {kMost, kMost, kMost, kMost, kMost},
    {k2To(40), k2To(40), k2To(40), k2To(40), k2To(40)},
};
constexpr Shape kTooLargeToPack[] = {
    {1, 1, k2To(62), 3, 3},
    {1, 1, kMost, 1, 1},
    {1, 1, k2To(31), k2To(31), k2To(31)},
    {1, 1, k2To(33), k2To(33), k2To(33)},
    {1, 1, 1, k2To(62), k2To(62)},
    {1, 1, 1, kMost, kMost},
    {1, 1, kMost, kMost, kMost},
};

std::string sizes_of(const Shape& shape) {
    Problem problem;
    problem.shape = shape;
    return problem.name();
}

template <class Call>
bool lacks_memory(const Call& call) {
    try {
        call();
    } catch (const std::bad_alloc&) {
        return true;
    }
    return false;
}

template <class Real>
void check_cell(Report& report, int cell, bool normed) {
    const CellKernels<Real>& kernels = isa().kernels->of<Real>(cell);
    const std::string name = std::string(kCellNames[cell]) + " as ";
    for (Shape shape : kTooLarge) {
        shape.normed = normed;
        for (const bool splits : {false, true}) {
            Team team;
            team.size = 3;
            team.splits_units = splits;
            const std::string what = name + sizes_of(shape);
            report.check(kernels.forward.scratch_bytes(shape, team) == PTRDIFF_MAX,
                         what + ": room for the forward pass");
            report.check(kernels.backward.scratch_bytes(shape, team) == PTRDIFF_MAX,
                         what + ": room for the backward pass");
        }
        const std::vector<const void*> packed = {nullptr};
        const std::vector<Forward<Real>> forth(1);
        const std::vector<Backward<Real>> back(1);
        for (const Plan& shared : {Plan{}, Plan{1, 2, true}, plan(shape, kernels.gates, 1, 4)}) {
            report.check(
                lacks_memory([&] { run_forward(kernels.forward, shape, packed, forth, shared); }),
                name + sizes_of(shape) + ": forward must throw std::bad_alloc");
            report.check(
                lacks_memory([&] { run_backward(kernels.backward, shape, packed, back, shared); }),
                name + sizes_of(shape) + ": backward must throw std::bad_alloc");
        }
    }
    for (Shape shape : kTooLargeToPack) {
        shape.normed = normed;
        report.check(kernels.forward.packed_bytes(shape) == PTRDIFF_MAX,
                     name + sizes_of(shape) + ": packed weights");
        report.check(kernels.backward.packed_bytes(shape) == PTRDIFF_MAX,
                     name + sizes_of(shape) + ": packed weights for the way back");
        report.check(lacks_memory([&] { pack(kernels.forward, shape, Weights<Real>{}); }),
                     name + sizes_of(shape) + ": packing must throw std::bad_alloc");
    }
}

}  // namespace

void check_sizes(Report& report, Effort) {
    for (int cell = 0; cell < kCellCount; ++cell) {
        for (const bool normed : {false, true}) {
            check_cell<float>(report, cell, normed);
            check_cell<double>(report, cell, normed);
        }
    }
}

}  // namespace gruta::checks
