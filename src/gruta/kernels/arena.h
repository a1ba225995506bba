// One block of memory, cut into arrays.
#pragma once

#include "simd.h"

namespace gruta::GRUTA_ISA {

// Hands out arrays one after the other, each on a cache line of its own. Built on null it only
// measures, so that the same code says how much memory is needed and later shares it out.
class Arena {
  public:
    explicit Arena(const void* memory) : memory_(reinterpret_cast<std::uintptr_t>(memory)) {}

    template <class Item>
    Item* take(Index rows, Index columns = 1, Index depth = 1) {
        Item* const array = reinterpret_cast<Item*>(memory_ + used_);
        std::size_t bytes = sizeof(Item);
        multiply(bytes, rows);
        multiply(bytes, columns);
        multiply(bytes, depth);
        add(bytes);
        return array;
    }

    // Bytes handed out; PTRDIFF_MAX, which no allocator grants, when there are too many to count.
    std::size_t bytes() const { return overflow_ ? PTRDIFF_MAX : used_; }

  private:
    void multiply(std::size_t& bytes, Index by) {
        overflow_ |= __builtin_mul_overflow(bytes, by, &bytes);
    }

    void add(std::size_t bytes) {
        bytes += (kLine - bytes % kLine) % kLine;
        used_ += bytes;
        overflow_ |= bytes > kMost || used_ > kMost;
    }

    static constexpr std::size_t kLine = 64;
    static constexpr std::size_t kMost = PTRDIFF_MAX / 2;

    std::uintptr_t memory_;
    std::size_t used_ = 0;
    bool overflow_ = false;
};

}  // namespace gruta::GRUTA_ISA
