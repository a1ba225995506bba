#include "gruta/kernels/packed.h"

#include <nanobind/stl/string.h>

#include <optional>

#include "gruta/kernels/arguments.h"
#include "gruta/kernels/fields.h"
#include "gruta/kernels/interpreter.h"

using namespace nanobind::literals;

namespace gruta {
namespace {

// h [B, P] and, where the cell has one, c [B, H].
template <class Real>
struct StateArguments {
    Argument<Real> h;
    std::optional<Argument<Real>> c;

    StateArguments(const Packed<Real>& packed, std::int64_t B, nb::handle h_array,
                   nb::handle c_array)
        : h("h", h_array, {{"B", B}, {"P", packed.shape().P}}) {
        if (packed.states() > 1) c.emplace("c", c_array, Axes{{"B", B}, {"H", packed.shape().H}});
    }

    Real* c_data() const { return c.has_value() ? c->data() : nullptr; }
};

template <class Real>
void init_packed(Packed<Real>* self, const std::string& cell, const Sizes& sizes,
                 nb::handle weights, const std::string& storage, int threads) {
    new (self) Packed<Real>(cell_index(cell), shape_of(sizes), read_weights<Real>(weights), storage,
                            threads);
}

template <class Real>
void step(Packed<Real>& packed, nb::handle x_array, nb::handle h_array, nb::handle c_array) {
    const Argument<const Real> x("x", x_array, {{"B", kAny}, {"I", packed.shape().I}});
    const StateArguments<Real> states(packed, x.extent(0), h_array, c_array);
    const LetGo unlocked(packed.products(x.extent(0)));
    packed.step(x.data(), x.extent(0), states.h.data(), states.c_data());
}

template <class Real>
void sequence(const Packed<Real>& packed, const Sizes& sizes, nb::handle pass_fields, int threads) {
    const Forward<Real> pass = read_pass<Real>(pass_fields, 0);
    const nb::gil_scoped_release unlocked;
    packed.sequence(shape_of(sizes), pass, threads);
}

template <class Real>
void init_lookup(Lookup<Real>* self, Packed<Real>& packed, nb::handle table_array) {
    const Argument<const Real> table("table", table_array, {{"V", kAny}, {"I", packed.shape().I}});
    const nb::gil_scoped_release unlocked;
    new (self) Lookup<Real>(packed, table.data(), table.extent(0));
}

template <class Real>
void step_of_row(Lookup<Real>& lookup, nb::handle rows_array, nb::handle h_array,
                 nb::handle c_array) {
    const Argument<const std::int64_t> rows("rows", rows_array, {{"B", kAny}});
    const std::int64_t B = rows.extent(0);
    for (std::int64_t b = 0; b < B; ++b) {
        const std::int64_t row = rows.data()[b];
        if (row >= 0 && row < lookup.count()) continue;
        throw nb::value_error(("rows must be numbers from 0 to " +
                               std::to_string(lookup.count() - 1) + ", got " + std::to_string(row) +
                               ": take those of the table that was looked at")
                                  .c_str());
    }
    const StateArguments<Real> states(lookup.packed(), B, h_array, c_array);
    const LetGo unlocked(lookup.packed().products(B));
    lookup.step(rows.data(), B, states.h.data(), states.c_data());
}

constexpr const char* kPackedDoc =
    "Weights packed once: of gruta.kernels.Weights, whose addresses are not checked.";
constexpr const char* kStepDoc =
    "Take in x [B, I] and bring h [B, P], and c [B, H], forward in place; all C-contiguous.";
constexpr const char* kSequenceDoc = "One direction of a layer; see layer_forward.";
constexpr const char* kLookupDoc =
    "Steps of packed weights whose inputs are rows of a table [V, I], which is read once.";
constexpr const char* kLookupStepDoc =
    "Take in the table's rows [B], int64, and bring h [B, P], and c [B, H], forward in place.";

template <class Real>
void bind(nb::module_& module, const char* packed_name, const char* lookup_name) {
    nb::class_<Packed<Real>>(module, packed_name, kPackedDoc)
        .def("__init__", init_packed<Real>, "cell"_a, "sizes"_a, "weights"_a, "storage"_a,
             "threads"_a)
        .def("step", step<Real>, "x"_a, "h"_a, "c"_a = nb::none(), kStepDoc)
        .def("sequence", sequence<Real>, "sizes"_a, "fields"_a, "threads"_a, kSequenceDoc);
    nb::class_<Lookup<Real>>(module, lookup_name, kLookupDoc)
        .def("__init__", init_lookup<Real>, nb::keep_alive<1, 2>(), "packed"_a, "table"_a)
        .def("step", step_of_row<Real>, "rows"_a, "h"_a, "c"_a = nb::none(), kLookupStepDoc);
}

}  // namespace

void bind_packed(nb::module_& module) {
    bind<float>(module, "PackedF32", "LookupF32");
    bind<double>(module, "PackedF64", "LookupF64");
}

}  // namespace gruta
