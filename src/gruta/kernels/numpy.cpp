#include "gruta/kernels/numpy.h"

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#include <numpy/arrayobject.h>

#include <algorithm>

namespace nb = nanobind;

namespace gruta {
namespace {

// NumPy's letter for a kind of numbers; 0 for those that it has none for.
char kind_of(nb::dlpack::dtype dtype) {
    using Code = nb::dlpack::dtype_code;
    switch (static_cast<Code>(dtype.code)) {
        case Code::Int:
            return 'i';
        case Code::UInt:
            return 'u';
        case Code::Float:
            return 'f';
        default:
            return 0;
    }
}

}  // namespace

void meet_numpy() {
    if (PyArray_ImportNumPyAPI() < 0) nb::raise_python_error();
}

bool lies_dense(nb::handle object, nb::dlpack::dtype dtype, bool writable, Dense& found) {
    if (!PyArray_CheckExact(object.ptr())) return false;
    auto* const array = reinterpret_cast<PyArrayObject*>(object.ptr());
    const int wanted = writable ? NPY_ARRAY_CARRAY : NPY_ARRAY_CARRAY_RO;
    const PyArray_Descr* const descr = PyArray_DESCR(array);
    if (!PyArray_CHKFLAGS(array, wanted) || PyArray_NDIM(array) > kMostAxes ||
        descr->kind != kind_of(dtype) || !PyArray_ISNBO(descr->byteorder) ||
        PyArray_ITEMSIZE(array) * 8 != dtype.bits) {
        return false;
    }
    found.data = PyArray_DATA(array);
    found.ndim = PyArray_NDIM(array);
    std::copy_n(PyArray_DIMS(array), found.ndim, found.shape);
    return true;
}

bool is_swapped(nb::handle object) {
    if (!PyArray_Check(object.ptr())) return false;
    const auto* const array = reinterpret_cast<PyArrayObject*>(object.ptr());
    return !PyArray_ISNBO(PyArray_DESCR(array)->byteorder);
}

}  // namespace gruta
