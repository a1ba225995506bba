#include "gruta/kernels/step.h"

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>

#include "gruta/kernels/arguments.h"
#include "gruta/kernels/dispatch.h"
#include "gruta/kernels/interpreter.h"
#include "gruta/kernels/packs.h"
#include "gruta/kernels/torch.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace gruta {
namespace {

// The tensors of one step. The shapes are those of the states and of x, with a batch or without.
struct Call {
    Described x, states[kMostStates], w_ih, w_hh, b_ih, b_hh;
    Shape shape;
    // Held for the call: another thread may put others in their places meanwhile.
    nb::object held[kMostStates + 4];
    int held_count = 0;

    // Whether the kernels take x and the states.
    bool read_inputs(nb::handle input, PyObject* const* given, int count) {
        if (!readable(input, x) || x.ndim < 1 || x.ndim > 2) return false;
        const int last = x.ndim - 1;
        shape = {last == 1 ? x.shape[0] : 1, 1, x.shape[last], 0, 0};
        for (int s = 0; s < count; ++s) {
            Described& state = states[s];
            hold(given[s]);
            if (!readable(given[s], state) || state.dtype != x.dtype || state.ndim != x.ndim ||
                (last == 1 && state.shape[0] != shape.B)) {
                return false;
            }
            if (s == 0) shape.H = shape.P = state.shape[last];
            if (state.shape[last] != shape.H) return false;
        }
        return shape.B > 0 && shape.I > 0 && shape.H > 0;
    }

    // Whether they take the weights too, of a cell with so many gates.
    bool read_weights(nb::dict parameters, int gates) {
        static PyObject* const names[] = {
            PyUnicode_InternFromString("weight_ih"), PyUnicode_InternFromString("weight_hh"),
            PyUnicode_InternFromString("bias_ih"), PyUnicode_InternFromString("bias_hh")};
        PyObject* own[std::size(names)];
        for (std::size_t i = 0; i < std::size(names); ++i) {
            own[i] = PyDict_GetItemWithError(parameters.ptr(), names[i]);
            if (own[i] == nullptr) return false;  // parametrised, an attribute of another kind
            hold(own[i]);
        }
        const std::int64_t rows = gates * shape.H;
        return readable_as(own[0], w_ih, x.dtype, {rows, shape.I}) &&
               readable_as(own[1], w_hh, x.dtype, {rows, shape.H}) &&
               readable_bias(own[2], b_ih, x.dtype, rows) &&
               readable_bias(own[3], b_hh, x.dtype, rows);
    }

  private:
    void hold(nb::handle object) { held[held_count++] = nb::borrow(object); }
};

// How a step is computed: row by row with the weights as they lie, or from packed ones.
enum class Way { rows, packed, none };

// Packed weights are known to be current by a copy, with which the weights are compared: a step
// then reads three times what it needs to. That pays while all three are in the cache. Without
// packing, every row reads the weights anew.
template <class Real>
Way way_of(const CellKernels<Real>& kernels, const Shape& shape) {
    constexpr std::int64_t cache_bytes = 1 << 20;
    const std::int64_t weights = kernels.gates * shape.H * (shape.I + shape.H);
    const bool has_rows = kernels.step_row != nullptr;
    if (has_rows && shape.B <= 4) return Way::rows;
    if (3 * weights * static_cast<std::int64_t>(sizeof(Real)) <= cache_bytes) return Way::packed;
    return has_rows && shape.B <= 8 ? Way::rows : Way::none;
}

// One or a few rows, one after the other, on this thread.
template <class Real>
void run_rows(StepRow<Real> step_row, int states, const Shape& shape, const Weights<Real>& weights,
              const Forward<Real>& pass) {
    const FlushDenormals flush;
    for (std::int64_t b = 0; b < shape.B; ++b) {
        const Real* before[kMostStates] = {};
        Real* after[kMostStates] = {};
        for (int s = 0; s < states; ++s) {
            before[s] = pass.initial[s] + b * shape.H;
            after[s] = pass.final[s] + b * shape.H;
        }
        step_row(shape, weights, pass.x.data + b * shape.I, before, after);
    }
}

template <class Real>
void run(const CellKernels<Real>& kernels, const Call& call, Way way, const Described* after,
         int threads) {
    const auto at = [](const Described& t) { return static_cast<Real*>(t.data); };
    const Shape& shape = call.shape;
    const Weights<Real> weights = {at(call.w_ih), at(call.w_hh), at(call.b_ih), at(call.b_hh),
                                   nullptr};
    Forward<Real> pass = {};
    pass.x = {at(call.x), 0, shape.I};
    for (int s = 0; s < kernels.states; ++s) {
        pass.initial[s] = at(call.states[s]);
        pass.final[s] = at(after[s]);
    }
    const LetGo unlocked(kernels.gates * shape.B * shape.H * (shape.I + shape.H));
    if (way == Way::rows) {
        return run_rows(kernels.step_row, kernels.states, shape, weights, pass);
    }
    thread_local Memory output, scratch;
    scratch.grow(kernels.forward.scratch_bytes(shape, {}));
    const auto packed = kept_pack(kernels.forward, shape, weights, kernels.gates);
    run_step(kernels.forward, shape, packed->data(), pass, plan(shape, kernels.gates, 1, threads),
             output, scratch);
}

nb::object torch_step(const char* cell, nb::handle x, nb::handle state, nb::dict parameters,
                      int threads) {
    const int index = cell_index(cell);
    const CellKernels<float>& facts = isa().kernels->of<float>(index);
    const bool pair = facts.states == 2;
    if (pair && !(PyTuple_CheckExact(state.ptr()) && PyTuple_GET_SIZE(state.ptr()) == 2)) {
        return nb::none();
    }
    PyObject* given[kMostStates] = {state.ptr()};
    for (int s = 0; pair && s < 2; ++s) given[s] = PyTuple_GET_ITEM(state.ptr(), s);
    Call call;
    if (torch.describe == nullptr || wants_gradients() || !is_open() ||
        !call.read_inputs(x, given, facts.states) || !call.read_weights(parameters, facts.gates)) {
        return nb::none();
    }
    const bool is_double = call.x.dtype == nb::dtype<double>();
    if (!is_double && call.x.dtype != nb::dtype<float>()) return nb::none();
    const Way way = is_double ? way_of(isa().kernels->of<double>(index), call.shape)
                              : way_of(facts, call.shape);
    if (way == Way::none) return nb::none();
    Described after[kMostStates];
    nb::object fresh[kMostStates];
    for (int s = 0; s < facts.states; ++s) {
        fresh[s] = empty_like(given[s]);
        if (torch.describe(fresh[s].ptr(), &after[s]) != 0) nb::raise_python_error();
    }
    if (is_double) {
        run(isa().kernels->of<double>(index), call, way, after, threads);
    } else {
        run(facts, call, way, after, threads);
    }
    return pair ? nb::make_tuple(fresh[0], fresh[1]) : fresh[0];
}

constexpr const char* kTorchStepDoc =
    R"(The state after one step, a new tensor or a tuple of two; None where the kernels do not serve.

x [B, I] or [I]; state [B, H] or [H], of the LSTM a tuple of h and c; parameters: a module's, by the
names of torch.nn.RNNCellBase.)";

}  // namespace

void bind_step(nb::module_& module) {
    module.def("torch_step", torch_step, "cell"_a, "x"_a.none(), "state"_a.none(), "parameters"_a,
               "threads"_a, kTorchStepDoc);
}

}  // namespace gruta
