#include "gruta/kernels/torch.h"

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
                nb::tuple obstacles) {
    const nb::object exchange = tensor.attr("__dlpack_c_exchange_api__");
    const auto* const table =
        static_cast<const Exchange*>(PyCapsule_GetPointer(exchange.ptr(), "dlpack_exchange_api"));
    if (table == nullptr) nb::raise_python_error();
    if (table->major != 1 || table->describe == nullptr) return false;
    const nb::object is_neg = tensor.attr("is_neg");
    torch = {tensor.inc_ref().ptr(),     parameter.inc_ref().ptr(), is_neg.inc_ref().ptr(),
             empty_like.inc_ref().ptr(), obstacles.inc_ref().ptr(), table->describe};
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

bool all_readable(nb::handle x, nb::tuple others) {
    Described first, found;
    if (!describe(x, first) || first.ndim == 0 || first.strides[first.ndim - 1] != 1 ||
        !lies_here(x, first)) {
        return false;
    }
    for (nb::handle other : others) {
        if (other.is_none()) continue;
        if (!readable(other, found) || found.dtype != first.dtype) return false;
    }
    return true;
}

constexpr const char* kMeetDoc =
    R"(Let calls know torch.Tensor, torch.nn.Parameter and torch.empty_like. False if they cannot read
what Tensor offers for exchange in C.

obstacles: functions of no argument, each of which answers None, False or 0 where `torch_step` may
do its work.)";

constexpr const char* kReadableDoc =
    R"(Whether the kernels can read x, whose last axis is dense, and the others, which are dense or None:
plain tensors of one dtype on the CPU, whose memory holds their numbers.)";

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

void bind_torch(nb::module_& module) {
    module.def("meet_torch", meet_torch, "tensor"_a, "parameter"_a, "empty_like"_a, "obstacles"_a,
               kMeetDoc);
    module.def("readable", all_readable, "x"_a, "others"_a, kReadableDoc);
}

}  // namespace gruta
