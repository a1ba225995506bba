// NumPy's arrays, read where they lie, without a call into Python.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>

namespace gruta {

constexpr int kMostAxes = 4;

// Memory of numbers in C order.
struct Dense {
    void* data = nullptr;
    int ndim = 0;
    std::int64_t shape[kMostAxes] = {};
};

// Lets `lies_dense` know NumPy; raises what importing it does.
void meet_numpy();

// Whether an array, and no object of a class derived from it, holds numbers of this dtype as the
// CPU has them: in C order, aligned, in its byte order, and writable if that is asked.
bool lies_dense(nanobind::handle object, nanobind::dlpack::dtype dtype, bool writable,
                Dense& found);

// Whether an array's numbers are in another byte order than the CPU's.
bool is_swapped(nanobind::handle object);

}  // namespace gruta
