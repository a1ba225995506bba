#include "gruta/kernels/call.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <algorithm>
#include <cstdint>
#include <utility>

#include "gruta/kernels/denormals.h"
#include "gruta/kernels/threads.h"

namespace gruta {

namespace {

// Below so many operations a thread, waking it costs more than it saves.
constexpr double kWorthAThread = 4e5;
// The least of a step's weights, in numbers, that pays a wait for each other every step.
constexpr double kWorthAWait = 64 * 1024;

constexpr std::size_t kLargePage = 2 << 20;

// Of how much memory, and of how many pieces, a thread keeps for calls to come.
constexpr std::size_t kSmall = 512 << 10;
constexpr std::size_t kPieces = 4;
thread_local std::vector<Memory> spare;

Team alone() {
    return {};
}

// Runs every pass: in groups side by side as planned, or one after another on this thread.
template <class KernelsOf, class Pass>
void run(const KernelsOf& kernels, const Shape& shape, const std::vector<const void*>& packed,
         const std::vector<Pass>& passes, const Plan& plan) {
    const auto groups = static_cast<std::size_t>(plan.groups);
    Team member = alone();
    member.size = plan.members;
    member.splits_units = plan.splits_units;
    const std::size_t bytes =
        std::max(kernels.scratch_bytes(shape, alone()), kernels.scratch_bytes(shape, member));
    std::vector<Lent> scratch;
    for (std::size_t i = 0; i < groups; ++i) scratch.emplace_back(bytes);

    std::vector<Barrier> barriers(groups);
    const bool together = run_together(plan.threads(), [&](int thread) {
        const FlushDenormals flush;
        const auto group = static_cast<std::size_t>(thread % plan.groups);
        Team team = member;
        team.member = thread / plan.groups;
        team.barrier = &barriers[group];
        for (std::size_t i = group; i < passes.size(); i += groups) {
            kernels.run(shape, packed[i], passes[i], scratch[group].data(), team);
            team.wait();  // before the next pass writes to the same scratch
        }
    });
    if (together) return;
    const FlushDenormals flush;
    for (std::size_t i = 0; i < passes.size(); ++i) {
        Team team = alone();
        kernels.run(shape, packed[i], passes[i], scratch[0].data(), team);
    }
}

// How `threads` of them share one direction at a time.
Plan plan_of_group(const Shape& shape, double recurrent, int threads) {
    if (shape.B >= threads) return {1, threads, false};
    if (recurrent / threads >= kWorthAWait) return {1, threads, true};
    return {1, std::max(1, static_cast<int>(shape.B)), false};
}

}  // namespace

void Memory::grow(std::size_t bytes) {
    if (bytes <= bytes_) return;
    std::size_t taken = bytes;
    FreeAligned free;
    if (bytes >= kLargePage / 2 && bytes <= PTRDIFF_MAX - kLargePage) {
        taken = (bytes + kLargePage - 1) / kLargePage * kLargePage;
        free.alignment = std::align_val_t{kLargePage};
    }
    data_.reset();
    bytes_ = 0;
    data_ = std::unique_ptr<void, FreeAligned>(::operator new(taken, free.alignment), free);
    bytes_ = taken;
    prefer_large_pages(data_.get(), taken);
}

Lent::Lent(std::size_t bytes) {
    if (bytes <= kSmall && !spare.empty()) {
        memory_ = std::move(spare.back());
        spare.pop_back();
    }
    memory_.grow(bytes);
}

Lent::~Lent() {
    const bool was_moved = memory_.data() == nullptr;
    if (was_moved || memory_.bytes() > kSmall || spare.size() == kPieces) return;
    spare.push_back(std::move(memory_));
}

void prefer_large_pages([[maybe_unused]] void* data, [[maybe_unused]] std::size_t bytes) {
#if defined(__linux__)
    const auto begin = reinterpret_cast<std::uintptr_t>(data), end = begin + bytes;
    const std::uintptr_t page = kLargePage;
    const std::uintptr_t first = (begin + page - 1) / page * page, last = end / page * page;
    if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#endif
}

Plan plan(const Shape& shape, int gates, int directions, int threads) {
    const double H = static_cast<double>(shape.H), P = static_cast<double>(shape.P);
    const double weights = gates * H * (static_cast<double>(shape.I) + P);
    const double rows = static_cast<double>(shape.B) * static_cast<double>(shape.T);
    const double work = 2 * weights * rows * directions;
    threads = std::min(threads, static_cast<int>(std::min(work / kWorthAThread, 1024.0)));
    if (threads <= 1) return {};
    const int groups = shape.B >= threads ? 1 : directions;
    Plan found = plan_of_group(shape, gates * H * P, std::max(1, threads / groups));
    found.groups = groups;
    return found;
}

template <class Real>
void run_forward(const ForwardKernels<Real>& kernels, const Shape& shape,
                 const std::vector<const void*>& packed, const std::vector<Forward<Real>>& passes,
                 const Plan& plan) {
    run(kernels, shape, packed, passes, plan);
}

template <class Real>
void run_backward(const BackwardKernels<Real>& kernels, const Shape& shape,
                  const std::vector<const void*>& packed, const std::vector<Backward<Real>>& passes,
                  const Plan& plan) {
    run(kernels, shape, packed, passes, plan);
}

template void run_forward(const ForwardKernels<float>&, const Shape&,
                          const std::vector<const void*>&, const std::vector<Forward<float>>&,
                          const Plan&);
template void run_forward(const ForwardKernels<double>&, const Shape&,
                          const std::vector<const void*>&, const std::vector<Forward<double>>&,
                          const Plan&);
template void run_backward(const BackwardKernels<float>&, const Shape&,
                           const std::vector<const void*>&, const std::vector<Backward<float>>&,
                           const Plan&);
template void run_backward(const BackwardKernels<double>&, const Shape&,
                           const std::vector<const void*>&, const std::vector<Backward<double>>&,
                           const Plan&);

}  // namespace gruta
