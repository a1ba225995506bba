#include "gruta/kernels/torch.h"

#include <algorithm>
#include <cstdint>

namespace nb = nanobind;
using namespace nb::literals;

namespace gruta {

Torch torch = {};

namespace {

// The table of functions that PyTorch offers for exchange in C, as DLPack 1.3 lays it out.
struct Exchange {
    std::uint32_t major, minor;
    void* older;
    void *allocate, *hand_over, *take_over;
    int (*describe)(void* object, Described* description);
    void* stream;
};

bool meet_torch(nb::handle tensor, nb::handle parameter, nb::handle empty_like,
                nb::handle is_grad_enabled, nb::tuple obstacles) {
    const nb::object exchange = tensor.attr("__dlpack_c_exchange_api__");
    const auto* const table =
        static_cast<const Exchange*>(PyCapsule_GetPointer(exchange.ptr(), "dlpack_exchange_api"));
    if (table == nullptr) nb::raise_python_error();
    if (table->major != 1 || table->describe == nullptr) return false;
    const nb::object is_neg = tensor.attr("is_neg");
    torch = {tensor.inc_ref().ptr(),
             parameter.inc_ref().ptr(),
             is_neg.inc_ref().ptr(),
             empty_like.inc_ref().ptr(),
             is_grad_enabled.inc_ref().ptr(),
             obstacles.inc_ref().ptr(),
             table->describe};
    return true;
}

// Whether memory does not hold the tensor's numbers, which are negated on reading.
bool is_negated(PyObject* object) {
    const auto answer = nb::steal(PyObject_CallOneArg(torch.is_neg, object));
    if (!answer.is_valid()) nb::raise_python_error();
    return answer.ptr() == Py_True;
}

// Whether its numbers are in memory that the CPU can read.
bool lies_here(nb::handle object, const Described& t) {
    return t.device.device_type == nb::device::cpu::value && t.data != nullptr &&
           !is_negated(object.ptr());
}

bool is_dense(const Described& t) {
    std::int64_t expected = 1;
    for (int axis = t.ndim; axis-- > 0;) {
        if (t.shape[axis] != 1 && t.strides[axis] != expected) return false;
        expected *= t.shape[axis];
    }
    return true;
}

// Whether a function of no argument answers None, False or 0.
bool denies(PyObject* question) {
    const auto answer = nb::steal(PyObject_CallNoArgs(question));
    if (!answer.is_valid()) nb::raise_python_error();
    if (answer.is_none() || answer.ptr() == Py_False) return true;
    return PyLong_Check(answer.ptr()) && PyLong_AsLong(answer.ptr()) == 0;
}

constexpr const char* kMeetDoc =
    R"(Let calls know torch.Tensor, torch.nn.Parameter, torch.empty_like and torch.is_grad_enabled.
False if they cannot read what Tensor offers for exchange in C.

obstacles: functions of no argument, each of which answers None, False or 0 where the short ways
are open.)";

}  // namespace

bool describe(nb::handle object, Described& found) {
    PyObject* const type = reinterpret_cast<PyObject*>(Py_TYPE(object.ptr()));
    if (torch.describe == nullptr || (type != torch.tensor && type != torch.parameter)) {
        return false;
    }
    if (torch.describe(object.ptr(), &found) == 0) return true;
    PyErr_Clear();
    return false;
}

bool readable(nb::handle object, Described& found) {
    return describe(object, found) && is_dense(found) && lies_here(object, found);
}

bool has_shape(const Described& t, std::initializer_list<std::int64_t> extents) {
    return t.ndim == static_cast<int>(extents.size()) &&
           std::equal(extents.begin(), extents.end(), t.shape);
}

bool readable_as(nb::handle object, Described& found, nb::dlpack::dtype dtype,
                 std::initializer_list<std::int64_t> extents) {
    return readable(object, found) && found.dtype == dtype && has_shape(found, extents);
}

bool readable_bias(nb::handle object, Described& found, nb::dlpack::dtype dtype,
                   std::int64_t count) {
    found.data = nullptr;
    return object.is_none() || readable_as(object, found, dtype, {count});
}

bool readable_rows(nb::handle object, Described& found) {
    return describe(object, found) && found.ndim > 0 && found.strides[found.ndim - 1] == 1 &&
           lies_here(object, found);
}

bool wants_gradients() {
    return !denies(torch.is_grad_enabled);
}

bool is_open() {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(torch.obstacles); ++i) {
        if (!denies(PyTuple_GET_ITEM(torch.obstacles, i))) return false;
    }
    return true;
}

nb::object empty_like(PyObject* other) {
    nb::object fresh = nb::steal(PyObject_CallOneArg(torch.empty_like, other));
    if (!fresh.is_valid()) nb::raise_python_error();
    return fresh;
}

void bind_torch(nb::module_& module) {
    module.def("meet_torch", meet_torch, "tensor"_a, "parameter"_a, "empty_like"_a,
               "is_grad_enabled"_a, "obstacles"_a, kMeetDoc);
}

}  // namespace gruta
