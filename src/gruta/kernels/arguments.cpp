#include "gruta/kernels/arguments.h"

#include <algorithm>

#include "gruta/kernels/dispatch.h"

namespace nb = nanobind;

namespace gruta {
namespace {

std::string dtype_text(nb::dlpack::dtype dtype) {
    using Code = nb::dlpack::dtype_code;
    const std::string bits = std::to_string(dtype.bits);
    switch (static_cast<Code>(dtype.code)) {
        case Code::Int:
            return "int" + bits;
        case Code::UInt:
            return "uint" + bits;
        case Code::Float:
            return "float" + bits;
        case Code::Complex:
            return "complex" + bits;
        case Code::Bool:
            return "bool";
        default:
            return "another dtype of " + bits + " bits";
    }
}

std::string shape_text(const ReadArray& array) {
    std::string text;
    for (std::size_t axis = 0; axis < array.ndim(); ++axis) {
        text += (axis == 0 ? "" : ", ") + std::to_string(array.shape(axis));
    }
    return "[" + text + "]";
}

// "[B, H] = [3, any]"
std::string axes_text(Axes axes) {
    std::string symbols, extents;
    for (const Axis& axis : axes) {
        const char* const comma = symbols.empty() ? "" : ", ";
        symbols += comma + std::string(axis.symbol);
        extents += comma + (axis.extent == kAny ? "any" : std::to_string(axis.extent));
    }
    return "[" + symbols + "] = [" + extents + "]";
}

bool is_contiguous(const ReadArray& array) {
    if (array.size() == 0) return true;
    std::int64_t expected = 1;
    for (std::size_t axis = array.ndim(); axis-- > 0;) {
        const auto extent = static_cast<std::int64_t>(array.shape(axis));
        if (extent != 1 && array.stride(axis) != expected) return false;
        expected *= extent;
    }
    return true;
}

bool is_aligned(const ReadArray& array) {
    const std::uintptr_t bytes = array.dtype().bits / 8;
    return array.size() == 0 || reinterpret_cast<std::uintptr_t>(array.data()) % bytes == 0;
}

[[noreturn]] void refuse_dtype(const std::string& name, const std::string& expected,
                               nb::dlpack::dtype dtype) {
    throw nb::type_error((name + " must be " + expected + ", got " + dtype_text(dtype) +
                          ": convert it with numpy.asarray(" + name + ", dtype=...)")
                             .c_str());
}

Dense checked(const char* name, const ReadArray& array, nb::dlpack::dtype dtype, Axes axes) {
    if (array.dtype() != dtype) refuse_dtype(name, dtype_text(dtype), array.dtype());
    Dense dense = {const_cast<void*>(array.data()), static_cast<int>(array.ndim()), {}};
    std::copy_n(array.shape_ptr(), std::min<std::size_t>(array.ndim(), kMostAxes), dense.shape);
    if (!fits(dense, axes)) {
        throw nb::value_error((std::string(name) + " must have the shape " + axes_text(axes) +
                               ", got " + shape_text(array) +
                               ": make it agree with the other arguments")
                                  .c_str());
    }
    if (!is_contiguous(array)) {
        throw nb::value_error((std::string(name) +
                               " must be C-contiguous, got a strided view: pass "
                               "numpy.ascontiguousarray(" +
                               name + ")")
                                  .c_str());
    }
    if (!is_aligned(array)) {
        throw nb::value_error((std::string(name) +
                               " must be aligned to its numbers, got one that begins between two: "
                               "pass a copy of it")
                                  .c_str());
    }
    return dense;
}

}  // namespace

int cell_index(const std::string& name) {
    for (int i = 0; i < kCellCount; ++i) {
        if (name == kCellNames[i]) return i;
    }
    throw nb::value_error(("cell must be one of gru, gru_reset_before, lstm, rnn_tanh, rnn_relu, "
                           "got '" +
                           name + "'")
                              .c_str());
}

bool fits(const Dense& dense, Axes axes) {
    if (dense.ndim != static_cast<int>(axes.size())) return false;
    const std::int64_t* extent = dense.shape;
    for (const Axis& axis : axes) {
        if (axis.extent != kAny && axis.extent != *extent) return false;
        ++extent;
    }
    return true;
}

Dense take_read(const char* name, nb::handle object, nb::dlpack::dtype dtype, Axes axes,
                ReadArray& array) {
    if (nb::try_cast(object, array, false)) return checked(name, array, dtype, axes);
    if (is_swapped(object)) {
        throw nb::type_error((std::string(name) +
                              " must be in this machine's byte order, got the other one: pass "
                              "numpy.asarray(" +
                              name + ", dtype=...)")
                                 .c_str());
    }
    throw nb::type_error((std::string(name) + " must be a NumPy array of numbers, got " +
                          nb::type_name(object.type()).c_str() + ": pass numpy.asarray(" + name +
                          ")")
                             .c_str());
}

Dense take_written(const char* name, nb::handle object, nb::dlpack::dtype dtype, Axes axes,
                   WrittenArray& array) {
    if (nb::try_cast(object, array, false)) return checked(name, ReadArray(array), dtype, axes);
    ReadArray read_only;
    take_read(name, object, dtype, axes, read_only);
    throw nb::value_error(
        (std::string(name) + " must be writable, got a read-only array: pass a copy of it")
            .c_str());
}

}  // namespace gruta
