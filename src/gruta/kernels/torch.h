// PyTorch's tensors, read without a call into Python where PyTorch offers that (since 2.10).
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <initializer_list>

namespace gruta {

using Described = nanobind::dlpack::dltensor;

// What is needed of PyTorch, all null until it was met; it stays loaded as long as the process
// lives.
struct Torch {
    PyObject *tensor, *parameter, *is_neg, *empty_like, *is_grad_enabled, *obstacles;
    int (*describe)(void* object, Described* description);  // 0, or -1 with a Python error
};
extern Torch torch;

// Where a tensor without behaviour of its own lies, and how; false for all else. A tensor that is
// negated on reading is described as well.
bool describe(nanobind::handle object, Described& found);

// The same of a dense one, whose memory holds its numbers and is the CPU's.
bool readable(nanobind::handle object, Described& found);

bool has_shape(const Described& t, std::initializer_list<std::int64_t> extents);

// The same as `readable` of one of this dtype and shape.
bool readable_as(nanobind::handle object, Described& found, nanobind::dlpack::dtype dtype,
                 std::initializer_list<std::int64_t> extents);

// The same of so many numbers, or of None, which leaves no data in `found`.
bool readable_bias(nanobind::handle object, Described& found, nanobind::dlpack::dtype dtype,
                   std::int64_t count);

// The same as `readable` of one whose last axis is dense, and may be all that is.
bool readable_rows(nanobind::handle object, Described& found);

// Whether gradients may be asked for later.
bool wants_gradients();

// Whether none of the obstacles to a short way is there: each says so by None, False or 0.
bool is_open();

// A new tensor like another one.
nanobind::object empty_like(PyObject* other);

// Adds meet_torch.
void bind_torch(nanobind::module_& module);

}  // namespace gruta
