// The Python module gruta.kernels._native: takes what comes in, lets go of the interpreter, and
// calls the kernels of the instruction set that serves this process.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "gruta/kernels/arguments.h"
#include "gruta/kernels/call.h"
#include "gruta/kernels/dispatch.h"
#include "gruta/kernels/packs.h"
#include "gruta/kernels/step.h"
#include "gruta/kernels/tier.h"
#include "gruta/kernels/torch.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace gruta {
namespace {

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
    f.expect_no_more();
    return back;
}

using Sizes = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t>;

Shape shape_of(const Sizes& sizes) {
    const auto& [B, T, I, H, P] = sizes;
    return {B, T, I, H, P};
}

std::vector<const void*> addresses(const std::vector<std::shared_ptr<const Memory>>& memories) {
    std::vector<const void*> found;
    for (const auto& memory : memories) found.push_back(memory->data());
    return found;
}

// All of [T, B, width] is about to be written.
template <class Real>
void expect_writes(const Shape& shape, const View<Real>& view, std::int64_t width) {
    const std::int64_t last = (shape.T - 1) * view.step + (shape.B - 1) * view.row + width;
    if (view.data == nullptr || shape.T == 0 || shape.B == 0) return;
    prefer_large_pages(view.data, static_cast<std::size_t>(last) * sizeof(Real));
}

template <class Real>
void forward_of(int cell, const Shape& shape, nb::list weights, nb::list passes, double held,
                int threads, bool keep) {
    const CellKernels<Real>& kernels = isa().kernels->of<Real>(cell);
    std::vector<Weights<Real>> read;
    std::vector<Forward<Real>> calls;
    for (nb::handle tuple : weights) read.push_back(read_weights<Real>(tuple));
    for (nb::handle tuple : passes) calls.push_back(read_pass<Real>(tuple, held));
    const nb::gil_scoped_release unlocked;
    for (const Forward<Real>& call : calls) {
        expect_writes(shape, call.h, shape.P);
        const std::int64_t saved = call.gates == nullptr ? 0 : kernels.saved * shape.H;
        expect_writes(shape, View<Real>{call.gates, shape.B * saved, saved}, saved);
    }
    std::vector<std::shared_ptr<const Memory>> packed;
    for (const Weights<Real>& one : read) {
        packed.push_back(keep ? kept_pack(kernels.forward, shape, one, kernels.gates)
                              : std::make_shared<Memory>(pack(kernels.forward, shape, one)));
    }
    run_forward(kernels.forward, shape, addresses(packed), calls,
                plan(shape, kernels.gates, static_cast<int>(calls.size()), threads));
}

template <class Real>
void backward_of(int cell, const Shape& shape, nb::list weights, nb::list passes,
                 nb::list gradients, int threads) {
    const CellKernels<Real>& kernels = isa().kernels->of<Real>(cell);
    std::vector<Weights<Real>> read;
    std::vector<Backward<Real>> calls;
    for (nb::handle tuple : weights) read.push_back(read_weights<Real>(tuple));
    for (std::size_t i = 0; i < passes.size(); ++i) {
        calls.push_back(read_gradients<Real>(gradients[i], read_pass<Real>(passes[i], 0)));
    }
    const nb::gil_scoped_release unlocked;
    std::vector<std::shared_ptr<const Memory>> packed;
    for (const Backward<Real>& call : calls) expect_writes(shape, call.dx, shape.I);
    for (const Weights<Real>& one : read) {
        packed.push_back(std::make_shared<Memory>(pack(kernels.backward, shape, one)));
    }
    run_backward(kernels.backward, shape, addresses(packed), calls,
                 plan(shape, kernels.gates, static_cast<int>(calls.size()), threads));
}

void layer_forward(const std::string& cell, bool is_double, const Sizes& sizes, nb::list weights,
                   nb::list passes, double held, int threads, bool keep) {
    const auto call = is_double ? forward_of<double> : forward_of<float>;
    call(cell_index(cell), shape_of(sizes), weights, passes, held, threads, keep);
}

void layer_backward(const std::string& cell, bool is_double, const Sizes& sizes, nb::list weights,
                    nb::list passes, nb::list gradients, int threads) {
    const auto call = is_double ? backward_of<double> : backward_of<float>;
    call(cell_index(cell), shape_of(sizes), weights, passes, gradients, threads);
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

template <class Real>
const ForwardKernels<Real>& stored_as(const std::string& storage, int cell) {
    if constexpr (sizeof(Real) == 4) {
        if (storage == "float16") return isa().kernels->float16->cell[cell];
        if (storage == "bfloat16") return isa().kernels->bfloat16->cell[cell];
    }
    return isa().kernels->of<Real>(cell).forward;
}

// Packed weights, to be called any number of times: a step at a time, or a sequence.
template <class Real>
class Packed {
  public:
    Packed(const std::string& cell, const Sizes& sizes, nb::handle weights,
           const std::string& storage, int threads)
        : shape_(shape_of(sizes)),
          states_(isa().kernels->of<Real>(cell_index(cell)).states),
          gates_(isa().kernels->of<Real>(cell_index(cell)).gates),
          threads_(threads),
          kernels_(stored_as<Real>(storage, cell_index(cell))),
          packed_(pack(kernels_, shape_, read_weights<Real>(weights))) {}

    // A call that meets another brings memory of its own. It does not wait: in the child of a fork
    // nobody may be left to end the other one.
    void step(nb::handle x_array, nb::handle h_array, nb::handle c_array) {
        const Argument<const Real> x("x", x_array, {{"B", kAny}, {"I", shape_.I}});
        const std::int64_t B = x.extent(0);
        const Argument<Real> h("h", h_array, {{"B", B}, {"P", shape_.P}});
        Real* c = nullptr;
        if (states_ > 1) c = Argument<Real>("c", c_array, {{"B", B}, {"H", shape_.H}}).data();

        const nb::gil_scoped_release unlocked;
        const std::unique_lock turn(mutex_, std::try_to_lock);
        Memory own_output, own_scratch;
        Memory& output = turn.owns_lock() ? output_ : own_output;
        Memory& scratch = turn.owns_lock() ? scratch_ : own_scratch;
        Shape shape = shape_;
        shape.B = B;
        shape.T = 1;
        Forward<Real> pass = {};
        pass.x = {x.data(), 0, shape.I};
        pass.initial[0] = pass.final[0] = h.data();
        pass.initial[1] = pass.final[1] = c;
        // Steps of the same rows follow each other: asking how much they need costs as much as a
        // small one.
        if (!turn.owns_lock() || B != scratch_rows_) {
            scratch.grow(kernels_.scratch_bytes(shape, {}));
            if (turn.owns_lock()) scratch_rows_ = B;
        }
        run_step(kernels_, shape, packed_.data(), pass, plan(shape, gates_, 1, threads_), output,
                 scratch);
    }

    void sequence(const Sizes& sizes, nb::handle pass_fields, int threads) {
        const Shape shape = shape_of(sizes);
        const Forward<Real> pass = read_pass<Real>(pass_fields, 0);
        const nb::gil_scoped_release unlocked;
        run_forward(kernels_, shape, {packed_.data()}, {pass}, plan(shape, gates_, 1, threads));
    }

  private:
    Shape shape_;
    int states_, gates_, threads_;
    const ForwardKernels<Real>& kernels_;
    Memory packed_, scratch_, output_;
    std::int64_t scratch_rows_ = -1;  // what scratch_ has room for
    std::mutex mutex_;
};

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
constexpr const char* kForwardDoc =
    R"(One layer forward, an entry of `weights` and `passes` a direction.

sizes: B, T, I, H, P. The tuples are gruta.kernels.Weights and Pass; addresses are not checked.
keep: keep the packed weights for a next call with the same ones.)";
constexpr const char* kBackwardDoc = R"(The gradients of `layer_forward`, which saved its gates.

The tuples of `gradients` are gruta.kernels.Gradients; addresses are not checked.)";
constexpr const char* kPlanDoc = "Groups, members a group, and whether these split the units.";
constexpr const char* kPackedDoc =
    "Weights packed once: of gruta.kernels.Weights, whose addresses are not checked.";
constexpr const char* kStepDoc =
    "Take in x [B, I] and bring h [B, P], and c [B, H], forward in place; all C-contiguous.";
constexpr const char* kSequenceDoc = "One direction of a layer; see layer_forward.";
constexpr const char* kFmaDoc = R"(Products and sums in registers, as fast as one thread can.

Returns the floating point operations done, float32.)";
constexpr const char* kStreamDoc = R"(A row times a matrix of so many bytes, again and again.

Returns the bytes of the matrix read, float32.)";

template <class Real>
void bind_packed(nb::module_& module, const char* name) {
    nb::class_<Packed<Real>>(module, name, kPackedDoc)
        .def(nb::init<const std::string&, const Sizes&, nb::handle, const std::string&, int>(),
             "cell"_a, "sizes"_a, "weights"_a, "storage"_a, "threads"_a)
        .def("step", &Packed<Real>::step, "x"_a, "h"_a, "c"_a = nb::none(), kStepDoc)
        .def("sequence", &Packed<Real>::sequence, "sizes"_a, "fields"_a, "threads"_a, kSequenceDoc);
}

}  // namespace
}  // namespace gruta

NB_MODULE(_native, module) {
    using namespace gruta;
    module.def("isa", [] { return isa().name; }, kIsaDoc);
    module.def("activations", [] { return fast_activations ? "fast" : "exact"; }, kActivationsDoc);
    module.def("cell_facts", cell_facts, kFactsDoc);
    module.def("layer_forward", layer_forward, "cell"_a, "is_double"_a, "sizes"_a, "weights"_a,
               "passes"_a, "held"_a, "threads"_a, "keep"_a = false, kForwardDoc);
    module.def("layer_backward", layer_backward, "cell"_a, "is_double"_a, "sizes"_a, "weights"_a,
               "passes"_a, "gradients"_a, "threads"_a, kBackwardDoc);
    module.def("layer_plan", layer_plan, "cell"_a, "sizes"_a, "directions"_a, "threads"_a,
               kPlanDoc);
    module.def("fma_rounds", fma_rounds, "rounds"_a, kFmaDoc);
    module.def("stream_rounds", stream_rounds, "bytes"_a, "rounds"_a, kStreamDoc);
    bind_torch(module);
    bind_step(module);
    bind_packed<float>(module, "PackedF32");
    bind_packed<double>(module, "PackedF64");
}
