// Arrays between guards: what a kernel writes outside is found, and what it leaves out is NaN.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "gruta/kernels/layer.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GRUTA_CHECKS_ADDRESSES
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define GRUTA_CHECKS_ADDRESSES
#endif
#if defined(GRUTA_CHECKS_ADDRESSES)
#include <sanitizer/asan_interface.h>
#endif

namespace gruta::checks {

// All bits set: NaN in every dtype, and what nothing that is computed looks like.
constexpr unsigned char kPoison = 0xff;

// `count` items, poisoned, between guards that nobody may read or write.
template <class T>
class Array {
  public:
    Array() = default;

    // `shift` items off the alignment that an allocation has.
    explicit Array(std::size_t count, std::size_t shift = 0)
        : count_(count), first_(kGuard + shift), bytes_((2 * kGuard + shift + count) * sizeof(T)) {
        block_ = std::make_unique<unsigned char[]>(bytes_);
        std::memset(block_.get(), kPoison, bytes_);
        forbid_guards();
    }

    Array(Array&& other) noexcept { *this = std::move(other); }
    Array& operator=(Array&& other) noexcept {
        std::swap(count_, other.count_);
        std::swap(first_, other.first_);
        std::swap(bytes_, other.bytes_);
        std::swap(block_, other.block_);
        return *this;
    }
    ~Array() { allow_all(); }

    T* data() const { return block_ ? reinterpret_cast<T*>(block_.get()) + first_ : nullptr; }
    std::size_t size() const { return count_; }
    T& operator[](std::size_t i) const { return data()[i]; }

    void poison() const {
        if (block_) std::memset(static_cast<void*>(data()), kPoison, count_ * sizeof(T));
    }

    // Whether both guards are as they were.
    bool is_intact() const {
        if (!block_) return true;
        allow_all();
        bool intact = true;
        const std::size_t first = first_ * sizeof(T), end = (first_ + count_) * sizeof(T);
        for (std::size_t i = 0; i < first; ++i) intact &= block_[i] == kPoison;
        for (std::size_t i = end; i < bytes_; ++i) intact &= block_[i] == kPoison;
        forbid_guards();
        return intact;
    }

  private:
    static constexpr std::size_t kGuard = 64;

    // AddressSanitizer watches the guards as it does the ends of an allocation.
    void forbid_guards() const {
#if defined(GRUTA_CHECKS_ADDRESSES)
        const std::size_t end = (first_ + count_) * sizeof(T);
        __asan_poison_memory_region(block_.get(), first_ * sizeof(T));
        __asan_poison_memory_region(block_.get() + end, bytes_ - end);
#endif
    }
    void allow_all() const {
#if defined(GRUTA_CHECKS_ADDRESSES)
        if (block_) __asan_unpoison_memory_region(block_.get(), bytes_);
#endif
    }

    std::size_t count_ = 0, first_ = 0, bytes_ = 0;
    std::unique_ptr<unsigned char[]> block_;
};

inline bool is_poison(const void* from, std::size_t bytes) {
    const auto* const byte = static_cast<const unsigned char*>(from);
    for (std::size_t i = 0; i < bytes; ++i) {
        if (byte[i] != kPoison) return false;
    }
    return true;
}

// How [T, B, width] lies in memory.
enum class Order { dense, padded, batch_first, broadcast };

// An array [T, B, width], laid out in some order.
template <class T>
class Cube {
  public:
    Cube() = default;
    Cube(std::int64_t steps, std::int64_t rows, std::int64_t width, Order order,
         std::size_t shift = 0)
        : steps_(steps), rows_(rows), width_(width) {
        if (order == Order::dense) row_ = width, step_ = rows * width;
        if (order == Order::padded) row_ = width + 3, step_ = rows * row_ + 5;
        if (order == Order::batch_first) row_ = steps * width, step_ = width;
        const bool empty = steps == 0 || rows == 0;
        const std::int64_t last = empty ? -width : (steps - 1) * step_ + (rows - 1) * row_;
        array_ = Array<T>(static_cast<std::size_t>(last + width), shift);
    }

    bool exists() const { return array_.data() != nullptr; }
    View<T> view() const { return {array_.data(), step_, row_}; }
    View<const T> const_view() const { return {array_.data(), step_, row_}; }
    std::int64_t steps() const { return steps_; }
    std::int64_t rows() const { return rows_; }
    std::int64_t width() const { return width_; }

    T& at(std::int64_t t, std::int64_t b, std::int64_t k) const {
        return array_[static_cast<std::size_t>(t * step_ + b * row_ + k)];
    }

    // Item i of [T, B, width] in that order.
    T& operator[](std::size_t i) const {
        const auto k = static_cast<std::int64_t>(i) / width_;
        return at(k / rows_, k % rows_, static_cast<std::int64_t>(i) % width_);
    }
    std::size_t size() const { return static_cast<std::size_t>(steps_ * rows_ * width_); }

    void poison() const { array_.poison(); }

    // Whether the guards, and what lies between the rows, are as they were.
    bool is_intact() const {
        if (!array_.is_intact()) return false;
        std::vector<bool> inside(array_.size());
        for (std::int64_t t = 0; t < steps_; ++t) {
            for (std::int64_t b = 0; b < rows_; ++b) {
                const auto first = inside.begin() + (t * step_ + b * row_);
                std::fill(first, first + width_, true);
            }
        }
        for (std::size_t i = 0; i < inside.size(); ++i) {
            if (!inside[i] && !is_poison(&array_[i], sizeof(T))) return false;
        }
        return true;
    }

  private:
    std::int64_t steps_ = 0, rows_ = 0, width_ = 1, step_ = 0, row_ = 0;
    Array<T> array_;
};

}  // namespace gruta::checks
