// The Python module gruta.kernels._native: takes what comes in, lets go of the interpreter, and
// calls the kernels of the instruction set that serves this process.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "gruta/kernels/arguments.h"
#include "gruta/kernels/call.h"
#include "gruta/kernels/compute.h"
#include "gruta/kernels/dispatch.h"
#include "gruta/kernels/fields.h"
#include "gruta/kernels/language_model.h"
#include "gruta/kernels/numpy.h"
#include "gruta/kernels/packed.h"
#include "gruta/kernels/short.h"
#include "gruta/kernels/step.h"
#include "gruta/kernels/tier.h"
#include "gruta/kernels/torch.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace gruta {
namespace {

// In the order of gruta.kernels.Gradients.
template <class Real>
Backward<Real> read_gradients(nb::handle tuple, const Forward<Real>& pass) {
    Fields f("Gradients", tuple);
    Backward<Real> back = {};
    back.pass = pass;
    back.dh = f.view<const Real>();
    for (auto& d_final : back.d_final) d_final = f.array<const Real>();
    back.dx = f.view<Real>();
    for (auto& d_initial : back.d_initial) d_initial = f.array<Real>();
    for (auto& d_restart : back.d_restart) d_restart = f.array<Real>();
    for (auto* field : {&back.dw_ih, &back.dw_hh, &back.db_ih, &back.db_hh, &back.dw_hr}) {
        *field = f.array<Real>();
    }
    for (auto& through : back.through) through = f.view<Real>();
    for (auto& part : back.d_norm) part = f.has_more() ? f.array<Real>() : nullptr;
    f.expect_no_more();
    return back;
}

// The weights of every direction, which are normed alike; the shape is told.
template <class Real>
std::vector<Weights<Real>> read_all(nb::list weights, Shape& shape) {
    std::vector<Weights<Real>> found;
    for (nb::handle tuple : weights) found.push_back(read_weights<Real>(tuple));
    shape.normed = !found.empty() && found[0].norm[0] != nullptr;
    return found;
}

template <class Real>
void forward_of(int cell, Shape shape, nb::list weights, nb::list passes, double held, int threads,
                bool keep) {
    std::vector<Forward<Real>> calls;
    const std::vector<Weights<Real>> read = read_all<Real>(weights, shape);
    for (nb::handle tuple : passes) calls.push_back(read_pass<Real>(tuple, held));
    compute_forward(cell, shape, read, calls, threads, keep);
}

template <class Real>
void backward_of(int cell, Shape shape, nb::list weights, nb::list passes, nb::list gradients,
                 int threads) {
    std::vector<Backward<Real>> calls;
    const std::vector<Weights<Real>> read = read_all<Real>(weights, shape);
    for (std::size_t i = 0; i < passes.size(); ++i) {
        calls.push_back(read_gradients<Real>(gradients[i], read_pass<Real>(passes[i], 0)));
    }
    compute_backward(cell, shape, read, calls, threads);
}

void layer_forward(const std::string& cell, bool is_double, const Sizes& sizes, nb::list weights,
                   nb::list passes, double held, int threads, bool keep, bool halved) {
    const auto call = is_double ? forward_of<double> : forward_of<float>;
    call(cell_index(cell), shape_of(sizes, halved), weights, passes, held, threads, keep);
}

void layer_backward(const std::string& cell, bool is_double, const Sizes& sizes, nb::list weights,
                    nb::list passes, nb::list gradients, int threads, bool halved) {
    const auto call = is_double ? backward_of<double> : backward_of<float>;
    call(cell_index(cell), shape_of(sizes, halved), weights, passes, gradients, threads);
}

std::tuple<int, int, bool> layer_plan(const std::string& cell, const Sizes& sizes, int directions,
                                      int threads) {
    const int gates = isa().kernels->of<float>(cell_index(cell)).gates;
    const Plan found = plan(shape_of(sizes), gates, directions, threads);
    return {found.groups, found.members, found.splits_units};
}

// Gates, states and saved numbers a unit, by cell.
nb::dict cell_facts() {
    nb::dict facts;
    for (int i = 0; i < kCellCount; ++i) {
        const CellKernels<float>& kernels = isa().kernels->of<float>(i);
        facts[kCellNames[i]] = nb::make_tuple(kernels.gates, kernels.states, kernels.saved);
    }
    return facts;
}

std::int64_t saved_size(const std::string& cell, bool is_double, std::int64_t H, bool normed,
                        bool halved) {
    const int index = cell_index(cell);
    const Shape shape = {1, 1, 1, H, H, normed, halved};
    return is_double ? isa().kernels->of<double>(index).saved_size(shape)
                     : isa().kernels->of<float>(index).saved_size(shape);
}

std::int64_t fma_rounds(std::int64_t rounds) {
    const nb::gil_scoped_release unlocked;
    float sink;
    return isa().kernels->probes.multiply_add_rounds(rounds, &sink);
}

std::int64_t stream_rounds(std::int64_t bytes, std::int64_t rounds) {
    const nb::gil_scoped_release unlocked;
    constexpr std::int64_t K = 256;
    const std::int64_t panels = bytes / (K * isa().vector_bytes);
    const auto length = static_cast<std::size_t>(K * (panels * isa().vector_bytes + 4));
    const Memory memory(length);
    auto* const numbers = static_cast<float*>(memory.data());
    for (std::size_t i = 0; i < length / sizeof(float); ++i) numbers[i] = 1.0f;
    float sink[16];
    return isa().kernels->probes.stream_rounds(numbers, numbers + K, K, panels, rounds, sink);
}

constexpr const char* kIsaDoc = "The instruction set that serves this process.";
constexpr const char* kActivationsDoc = "The tier of sigma and tanh in float32: exact or fast.";
constexpr const char* kFactsDoc = "By cell: gates, states, and numbers that it saves a unit.";
constexpr const char* kSavedDoc =
    "How many numbers a layer saves of a row and step, those of a layer norm with them.";
constexpr const char* kForwardDoc =
    R"(One layer forward, an entry of `weights` and `passes` a direction.

sizes: B, T, I, H, P. The tuples are gruta.kernels.Weights and Pass; addresses are not checked.
keep: keep the packed weights for a next call with the same ones. halved: the gates take 16 bits;
layer_backward is to be told so too. Only those of float32 do.)";
constexpr const char* kBackwardDoc = R"(The gradients of `layer_forward`, which saved its gates.

The tuples of `gradients` are gruta.kernels.Gradients; addresses are not checked.)";
constexpr const char* kPlanDoc = "Groups, members a group, and whether these split the units.";
constexpr const char* kFmaDoc = R"(Products and sums in registers, as fast as one thread can.

Returns the floating point operations done, float32.)";
constexpr const char* kStreamDoc = R"(A row times a matrix of so many bytes, again and again.

Returns the bytes of the matrix read, float32.)";

}  // namespace
}  // namespace gruta

NB_MODULE(_native, module) {
    using namespace gruta;
    meet_numpy();
    module.def("isa", [] { return isa().name; }, kIsaDoc);
    module.def("activations", [] { return fast_activations ? "fast" : "exact"; }, kActivationsDoc);
    module.def("cell_facts", cell_facts, kFactsDoc);
    module.def("saved_size", saved_size, "cell"_a, "is_double"_a, "H"_a, "normed"_a,
               "halved"_a = false, kSavedDoc);
    module.def("layer_forward", layer_forward, "cell"_a, "is_double"_a, "sizes"_a, "weights"_a,
               "passes"_a, "held"_a, "threads"_a, "keep"_a = false, "halved"_a = false,
               kForwardDoc);
    module.def("layer_backward", layer_backward, "cell"_a, "is_double"_a, "sizes"_a, "weights"_a,
               "passes"_a, "gradients"_a, "threads"_a, "halved"_a = false, kBackwardDoc);
    module.def("layer_plan", layer_plan, "cell"_a, "sizes"_a, "directions"_a, "threads"_a,
               kPlanDoc);
    module.def("fma_rounds", fma_rounds, "rounds"_a, kFmaDoc);
    module.def("stream_rounds", stream_rounds, "bytes"_a, "rounds"_a, kStreamDoc);
    bind_torch(module);
    bind_step(module);
    bind_short(module);
    bind_packed(module);
    bind_language_model(module);
}
