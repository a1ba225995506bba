// One call as Python makes it: a layer with all its directions, its memory and its threads.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <vector>

#include "gruta/kernels/dispatch.h"

namespace gruta {

struct FreeAligned {
    std::align_val_t alignment{64};
    void operator()(void* data) const { ::operator delete(data, alignment); }
};

// Memory for a kernel: uninitialised, on a cache line's boundary, and in large pages from some size
// on. What is read again and again then lies in one piece, and fits in a cache that it nearly
// fills: small pages lie anywhere, and get in each other's way.
class Memory {
  public:
    Memory() = default;
    explicit Memory(std::size_t bytes) { grow(bytes); }

    void* data() const { return data_.get(); }
    std::size_t bytes() const { return bytes_; }

    // Makes room for at least so many bytes; what was there is lost. std::bad_alloc if there is
    // none.
    void grow(std::size_t bytes);

  private:
    std::size_t bytes_ = 0;
    std::unique_ptr<void, FreeAligned> data_;
};

// Memory for the length of a call. A small one stays with the thread for its next call: to take it
// and to give it back costs as much as a short call computes.
class Lent {
  public:
    explicit Lent(std::size_t bytes);
    ~Lent();
    Lent(Lent&& other) = default;
    Lent& operator=(Lent&&) = delete;

    void* data() const { return memory_.data(); }

  private:
    Memory memory_;
};

// Asks the system to back an array that is about to be written with large pages, where they are
// worth it: fresh memory then costs fewer interruptions. The array stays as it is.
void prefer_large_pages(void* data, std::size_t bytes);

// How the threads share a call. Directions side by side: that many groups, each with its members.
struct Plan {
    int groups = 1;
    int members = 1;
    bool splits_units = false;

    int threads() const { return groups * members; }
};

// The plan for `threads` threads at most.
Plan plan(const Shape& shape, int gates, int directions, int threads);

// A layer's forward pass over packed weights; as many entries as directions.
template <class Real>
void run_forward(const ForwardKernels<Real>& kernels, const Shape& shape,
                 const std::vector<const void*>& packed, const std::vector<Forward<Real>>& passes,
                 const Plan& plan);

template <class Real>
void run_backward(const BackwardKernels<Real>& kernels, const Shape& shape,
                  const std::vector<const void*>& packed, const std::vector<Backward<Real>>& passes,
                  const Plan& plan);

// Weights packed for `kernels`, in Memory or Lent.
template <class Place = Memory, class KernelsOf, class Real>
Place pack(const KernelsOf& kernels, const Shape& shape, const Weights<Real>& weights) {
    Place packed(kernels.packed_bytes(shape));
    kernels.pack(shape, weights, packed.data());
    return packed;
}

}  // namespace gruta
