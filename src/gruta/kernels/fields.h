// What gruta.kernels hands over as tuples, read field by field.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/tuple.h>

#include <cstdint>
#include <string>
#include <tuple>

#include "gruta/kernels/layer.h"
#include "gruta/kernels/torch.h"

namespace gruta {

namespace nb = nanobind;

// Reads the fields of a tuple one after the other. An array is an address, a tensor of PyTorch's,
// or 0 or None for null: to find out where a tensor lies costs less here than in Python.
class Fields {
  public:
    // name: of the tuple in gruta.kernels, for messages.
    Fields(const char* name, nb::handle fields)
        : name_(name), fields_(nb::cast<nb::tuple>(fields)) {}

    std::int64_t number() { return nb::cast<std::int64_t>(next()); }

    template <class Item>
    Item* array() {
        return reinterpret_cast<Item*>(address(next()));
    }

    // A tensor or null, or else an address and two strides, counted in items.
    template <class Item>
    View<Item> view() {
        const nb::handle field = next();
        if (field.is_none()) return {nullptr, 0, 0};
        Described tensor;
        if (describe(field, tensor) && tensor.ndim >= 2) {
            return {static_cast<Item*>(tensor.data), tensor.strides[0], tensor.strides[1]};
        }
        auto* const data = reinterpret_cast<Item*>(address(field));
        if (PyLong_Check(field.ptr())) {
            const std::int64_t step = number();
            return {data, step, number()};
        }
        static PyObject* const stride = PyUnicode_InternFromString("stride");
        const auto strides = nb::steal<nb::tuple>(called(field, stride));
        if (strides.size() < 2) refuse("holds a tensor of fewer than two axes");
        return {data, nb::cast<std::int64_t>(strides[0]), nb::cast<std::int64_t>(strides[1])};
    }

    bool has_more() const { return next_ < fields_.size(); }

    // To be called when all fields are read.
    void expect_no_more() const {
        if (next_ != fields_.size()) refuse("has more fields than are read");
    }

  private:
    nb::handle next() {
        if (next_ == fields_.size()) refuse("has fewer fields than are read");
        return fields_[next_++];
    }

    static std::uintptr_t address(nb::handle field) {
        if (field.is_none()) return 0;
        if (PyLong_Check(field.ptr())) return nb::cast<std::uintptr_t>(field);
        Described tensor;
        if (describe(field, tensor)) return reinterpret_cast<std::uintptr_t>(tensor.data);
        static PyObject* const data_ptr = PyUnicode_InternFromString("data_ptr");
        return nb::cast<std::uintptr_t>(nb::steal(called(field, data_ptr)));
    }

    static PyObject* called(nb::handle object, PyObject* method) {
        PyObject* const answer = PyObject_CallMethodNoArgs(object.ptr(), method);
        if (answer == nullptr) nb::raise_python_error();
        return answer;
    }

    [[noreturn]] void refuse(const char* problem) const {
        throw nb::value_error((std::string(name_) + ", a tuple of " +
                               std::to_string(fields_.size()) + " fields, " + problem)
                                  .c_str());
    }

    const char* name_;
    nb::tuple fields_;
    std::size_t next_ = 0;
};

// In the order of gruta.kernels.Weights.
template <class Real>
Weights<Real> read_weights(nb::handle tuple) {
    Fields f("Weights", tuple);
    Weights<Real> weights;
    for (auto* field :
         {&weights.w_ih, &weights.w_hh, &weights.b_ih, &weights.b_hh, &weights.w_hr}) {
        *field = f.array<const Real>();
    }
    // Those of a layer norm, which a plain tuple may leave out.
    for (auto& part : weights.norm) part = f.has_more() ? f.array<const Real>() : nullptr;
    f.expect_no_more();
    return weights;
}

// In the order of gruta.kernels.Pass.
template <class Real>
Forward<Real> read_pass(nb::handle tuple, double held) {
    Fields f("Pass", tuple);
    Forward<Real> pass = {};
    pass.walk.lengths = f.array<const std::int64_t>();
    pass.walk.reverse = f.number() != 0;
    pass.walk.reset = f.view<const std::uint8_t>();
    for (auto& restart : pass.walk.restart) restart = f.array<const Real>();
    pass.walk.dropout = f.array<const Real>();
    for (auto& hold : pass.walk.hold) hold = f.array<const std::uint8_t>();
    pass.walk.held = static_cast<Real>(held);
    pass.x = f.view<const Real>();
    for (auto& initial : pass.initial) initial = f.array<const Real>();
    pass.h = f.view<Real>();
    for (auto& final : pass.final) final = f.array<Real>();
    pass.gates = f.array<Real>();
    f.expect_no_more();
    return pass;
}

// B, T, I, H, P.
using Sizes = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t>;

inline Shape shape_of(const Sizes& sizes, bool halved = false) {
    const auto& [B, T, I, H, P] = sizes;
    return {B, T, I, H, P, false, halved};
}

}  // namespace gruta
