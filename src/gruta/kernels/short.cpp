#include "gruta/kernels/short.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <utility>

#include "gruta/kernels/arguments.h"
#include "gruta/kernels/compute.h"
#include "gruta/kernels/torch.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace gruta {
namespace {

constexpr int kMostWeights = 5;

template <class Real>
Real* numbers_of(const Described& t) {
    return static_cast<Real*>(t.data);
}

// What a method answers; the object comes first.
nb::object method(PyObject* name, std::initializer_list<PyObject*> arguments) {
    nb::object answer =
        nb::steal(PyObject_VectorcallMethod(name, arguments.begin(), arguments.size(), nullptr));
    if (!answer.is_valid()) nb::raise_python_error();
    return answer;
}

// A tensor that was made in here, and where it lies.
struct Made {
    nb::object object;
    Described at = {};

    explicit Made(nb::object fresh) : object(std::move(fresh)) {
        if (torch.describe(object.ptr(), &at) != 0) nb::raise_python_error();
    }
};

Made new_empty(PyObject* like, std::int64_t a, std::int64_t b, std::int64_t c) {
    static PyObject* const name = PyUnicode_InternFromString("new_empty");
    const nb::object size = nb::make_tuple(a, b, c);
    return Made(method(name, {like, size.ptr()}));
}

// The tensors of a call, in their order: x `[T, B, I]`, or `[B, T, I]` with the batch first; the
// initial states `[1, B, P]` and `[1, B, H]`; w_ih, w_hh, b_ih, b_hh and, where the layer projects,
// w_hr.
struct ShortCall {
    const CellKernels<float>& facts;
    bool batch_first;
    Described x, states[kMostStates], weights[kMostWeights];
    Shape shape;

    ShortCall(int cell, bool batch_first)
        : facts(isa().kernels->of<float>(cell)), batch_first(batch_first) {}

    // Whether they are what the kernels take.
    bool read(PyObject* const* given, Py_ssize_t count) {
        const Py_ssize_t first_weight = 1 + facts.states, projected = first_weight + 4;
        if (count != projected && count != projected + 1) return false;
        if (!readable_rows(given[0], x) || x.ndim != 3) return false;
        if (!is_double() && x.dtype != nb::dtype<float>()) return false;
        const std::int64_t B = x.shape[batch_first ? 0 : 1];
        for (int s = 0; s < facts.states; ++s) {
            Described& state = states[s];
            if (!readable(given[1 + s], state) || state.ndim != 3 || state.dtype != x.dtype ||
                state.shape[0] != 1 || state.shape[1] != B) {
                return false;
            }
        }
        const std::int64_t P = states[0].shape[2], H = states[facts.states - 1].shape[2];
        const std::int64_t rows = facts.gates * H;
        shape = {B, x.shape[batch_first ? 1 : 0], x.shape[2], H, P};
        PyObject* const* const own = given + first_weight;
        const bool projects = count > projected;
        weights[4].data = nullptr;
        return projects == (P != H) && readable_as(own[0], weights[0], x.dtype, {rows, shape.I}) &&
               readable_as(own[1], weights[1], x.dtype, {rows, P}) &&
               readable_bias(own[2], weights[2], x.dtype, rows) &&
               readable_bias(own[3], weights[3], x.dtype, rows) &&
               (!projects || readable_as(own[4], weights[4], x.dtype, {P, H}));
    }

    bool is_double() const { return x.dtype == nb::dtype<double>(); }

    template <class Real>
    Weights<Real> read_weights() const {
        return {numbers_of<Real>(weights[0]), numbers_of<Real>(weights[1]),
                numbers_of<Real>(weights[2]), numbers_of<Real>(weights[3]),
                numbers_of<Real>(weights[4])};
    }

    // A tensor of x's first two axes, as a pass walks over it.
    template <class Real>
    View<Real> view(const Described& t) const {
        return {numbers_of<Real>(t), t.strides[batch_first ? 1 : 0],
                t.strides[batch_first ? 0 : 1]};
    }

    template <class Real>
    Forward<Real> pass() const {
        Forward<Real> found = {};
        const auto from = view<Real>(x);
        found.x = {from.data, from.step, from.row};
        for (int s = 0; s < facts.states; ++s) found.initial[s] = numbers_of<Real>(states[s]);
        return found;
    }

    // An empty `[T, B, width]` or `[B, T, width]`, whose first two axes lie in memory as x's do.
    Made fresh(PyObject* given, std::int64_t width) const {
        const std::int64_t outer = x.shape[0], inner = x.shape[1];
        if (outer > 1 && inner > 1 && x.strides[1] > x.strides[0]) {
            static PyObject* const strided = PyUnicode_InternFromString("new_empty_strided");
            const nb::object size = nb::make_tuple(outer, inner, width);
            const nb::object strides = nb::make_tuple(width, outer * width, 1);
            return Made(method(strided, {given, size.ptr(), strides.ptr()}));
        }
        return new_empty(given, outer, inner, width);
    }
};

PyObject* const* items(const nb::tuple& tuple) {
    return &PyTuple_GET_ITEM(tuple.ptr(), 0);
}

// A tuple that takes over the objects.
nb::object tuple_of(nb::object* objects, Py_ssize_t count) {
    nb::object all = nb::steal(PyTuple_New(count));
    if (!all.is_valid()) nb::raise_python_error();
    for (Py_ssize_t i = 0; i < count; ++i) {
        PyTuple_SET_ITEM(all.ptr(), i, objects[i].release().ptr());
    }
    return all;
}

// The initial states of a call: those that it was given, zeros like x where it was given None;
// false for anything else.
bool take_states(nb::handle x, nb::handle hx, const std::int64_t (&sizes)[kMostStates],
                 std::int64_t B, int states, nb::object* found) {
    static PyObject* const new_zeros = PyUnicode_InternFromString("new_zeros");
    const bool is_pair = PyTuple_CheckExact(hx.ptr()) && PyTuple_GET_SIZE(hx.ptr()) == 2;
    if (!hx.is_none() && states == 2 && !is_pair) return false;
    for (int s = 0; s < states; ++s) {
        if (hx.is_none()) {
            const nb::object size = nb::make_tuple(1, B, sizes[s]);
            found[s] = method(new_zeros, {x.ptr(), size.ptr()});
        } else {
            found[s] = nb::borrow(states == 2 ? PyTuple_GET_ITEM(hx.ptr(), s) : hx.ptr());
        }
    }
    return true;
}

// A module's weights by their names, None where there is no name: its parameters, or else
// attributes, as those are that are parametrised. False where one is missing.
bool take_weights(nb::handle module, nb::tuple names, Py_ssize_t count, nb::object* found) {
    static PyObject* const name_of_all = PyUnicode_InternFromString("_parameters");
    const nb::object parameters = nb::steal(PyObject_GetAttr(module.ptr(), name_of_all));
    if (!parameters.is_valid()) nb::raise_python_error();
    if (!PyDict_Check(parameters.ptr()) || PyTuple_GET_SIZE(names.ptr()) < count) return false;
    for (Py_ssize_t i = 0; i < count; ++i) {
        PyObject* const name = PyTuple_GET_ITEM(names.ptr(), i);
        PyObject* const own =
            name == Py_None ? Py_None : PyDict_GetItemWithError(parameters.ptr(), name);
        found[i] =
            own != nullptr ? nb::borrow(own) : nb::steal(PyObject_GetAttr(module.ptr(), name));
        if (found[i].is_valid()) continue;
        if (!PyErr_ExceptionMatches(PyExc_AttributeError)) nb::raise_python_error();
        PyErr_Clear();
        return false;
    }
    return true;
}

// Whether autograd is to follow what is made of these tensors.
bool needs_gradient(PyObject* const* tensors, Py_ssize_t count) {
    static PyObject* const requires_grad = PyUnicode_InternFromString("requires_grad");
    if (!wants_gradients()) return false;
    for (Py_ssize_t i = 0; i < count; ++i) {
        if (tensors[i] == Py_None) continue;
        const nb::object answer = nb::steal(PyObject_GetAttr(tensors[i], requires_grad));
        if (!answer.is_valid()) nb::raise_python_error();
        if (answer.ptr() == Py_True) return true;
    }
    return false;
}

template <class Real>
void run_short_forward(int cell, const ShortCall& call, const Described& h, const Described* finals,
                       const Described* gates, int threads) {
    Forward<Real> pass = call.pass<Real>();
    pass.h = call.view<Real>(h);
    for (int s = 0; s < call.facts.states; ++s) pass.final[s] = numbers_of<Real>(finals[s]);
    if (gates != nullptr) pass.gates = numbers_of<Real>(*gates);
    const bool keep = gates == nullptr;
    compute_forward<Real>(cell, call.shape, {call.read_weights<Real>()}, {pass}, threads, keep);
}

// Up to so many bytes of h a call that saves hands out a copy: to watch over changes costs more.
constexpr std::size_t kWorthACopy = 32 << 10;

struct Results {
    nb::object objects[3 + kMostStates];
    int count = 0;

    const Made& add(const Made& made) {
        objects[count++] = made.object;
        return made;
    }
};

// h and the final states, and where it saves, the gates and the copy of h.
Results computed(int cell, const ShortCall& call, PyObject* const* given, bool saves, int threads) {
    const Shape& shape = call.shape;
    Results results;
    const Made h = results.add(call.fresh(given[0], shape.P));
    Described finals[kMostStates], gates;
    for (int s = 0; s < call.facts.states; ++s) {
        finals[s] = results.add(Made(empty_like(given[1 + s]))).at;
    }
    if (saves) {
        const std::int64_t saved = call.facts.saved * shape.H;
        gates = results.add(new_empty(given[0], shape.T, shape.B, saved)).at;
    }
    const auto run = call.is_double() ? run_short_forward<double> : run_short_forward<float>;
    run(cell, call, h.at, finals, saves ? &gates : nullptr, threads);
    if (saves) {
        const auto bytes = static_cast<std::size_t>(shape.B * shape.T * shape.P) *
                           (call.is_double() ? sizeof(double) : sizeof(float));
        if (bytes <= kWorthACopy) {
            std::memcpy(results.add(call.fresh(given[0], shape.P)).at.data, h.at.data, bytes);
        } else {
            results.objects[results.count++] = nb::none();
        }
    }
    return results;
}

nb::object torch_layer(const char* cell, nb::handle x, nb::handle hx, nb::handle module,
                       nb::tuple names, std::int64_t I, std::int64_t H, std::int64_t P,
                       bool batch_first, int threads) {
    const int index = cell_index(cell);
    ShortCall call(index, batch_first);
    Described found;
    if (torch.describe == nullptr || !is_open() || !readable_rows(x, found) || found.ndim != 3 ||
        found.shape[2] != I) {
        return nb::none();
    }
    const int states = call.facts.states;
    const Py_ssize_t weights = P == H ? 4 : 5, count = 1 + states + weights;
    nb::object tensors[1 + kMostStates + kMostWeights];
    tensors[0] = nb::borrow(x);
    if (!take_states(x, hx, {P, H}, found.shape[batch_first ? 0 : 1], states, tensors + 1) ||
        !take_weights(module, names, weights, tensors + 1 + states)) {
        return nb::none();
    }
    PyObject* given[std::size(tensors)];
    for (Py_ssize_t i = 0; i < count; ++i) given[i] = tensors[i].ptr();
    if (!call.read(given, count) || call.shape.H != H || call.shape.P != P) return nb::none();
    if (needs_gradient(given, count)) {
        const nb::object all = tuple_of(tensors, count);
        return nb::make_tuple(all, nb::none());
    }
    Results results = computed(index, call, given, false, threads);
    auto& [h, state, c, gates, copy] = results.objects;
    if (states == 2) state = nb::make_tuple(state, c);
    return nb::make_tuple(h, state);
}

nb::object torch_forward(const char* cell, nb::tuple tensors, bool batch_first, int threads) {
    const int index = cell_index(cell);
    ShortCall call(index, batch_first);
    PyObject* const* const given = items(tensors);
    if (torch.describe == nullptr || !call.read(given, PyTuple_GET_SIZE(tensors.ptr()))) {
        throw nb::value_error("tensors must be what torch_layer returned, and unchanged since");
    }
    Results results = computed(index, call, given, true, threads);
    return tuple_of(results.objects, results.count);
}

// What comes in on the way back, beside what was saved.
struct Upstream {
    Described h, gates, dh, d_final[kMostStates];

    // Whether the kernels take it: the gradients of h and of the final states, each may be None.
    bool read(const ShortCall& call, PyObject* const* kept, PyObject* const* given) {
        const Described& x = call.x;
        const Shape& shape = call.shape;
        if (!readable(kept[1], gates) && call.facts.saved > 0) return false;
        if (!readable_rows(kept[0], h) || h.dtype != x.dtype || !has_axes(h, x, shape.P)) {
            return false;
        }
        dh.data = nullptr;
        if (given[0] != Py_None &&
            !(readable_rows(given[0], dh) && dh.dtype == x.dtype && has_axes(dh, x, shape.P))) {
            return false;
        }
        for (int s = 0; s < call.facts.states; ++s) {
            Described& d = d_final[s];
            d.data = nullptr;
            if (given[1 + s] == Py_None) continue;
            const Described& state = call.states[s];
            if (!readable(given[1 + s], d) || d.dtype != x.dtype ||
                !has_shape(d, {state.shape[0], state.shape[1], state.shape[2]})) {
                return false;
            }
        }
        return has_shape_of_gates(call);
    }

  private:
    static bool has_axes(const Described& t, const Described& x, std::int64_t width) {
        return has_shape(t, {x.shape[0], x.shape[1], width});
    }

    bool has_shape_of_gates(const ShortCall& call) {
        const Shape& shape = call.shape;
        const std::int64_t saved = call.facts.saved * shape.H;
        if (saved == 0) {
            gates.data = nullptr;
            return true;
        }
        return gates.dtype == call.x.dtype && has_shape(gates, {shape.T, shape.B, saved});
    }
};

template <class Real>
void run_short_backward(int cell, const ShortCall& call, const Upstream& up, const Described* found,
                        int threads) {
    const auto at = [](const Described& t) { return numbers_of<Real>(t); };
    const auto constant = [](const View<Real>& v) {
        return View<const Real>{v.data, v.step, v.row};
    };
    Backward<Real> back = {};
    back.pass = call.pass<Real>();
    back.pass.h = call.view<Real>(up.h);
    back.pass.gates = at(up.gates);
    if (up.dh.data != nullptr) back.dh = constant(call.view<Real>(up.dh));
    if (found[0].data != nullptr) back.dx = call.view<Real>(found[0]);
    const int states = call.facts.states;
    for (int s = 0; s < states; ++s) {
        back.d_final[s] = at(up.d_final[s]);
        back.d_initial[s] = at(found[1 + s]);
    }
    const Described* const weights = found + 1 + states;
    Real** const places[] = {&back.dw_ih, &back.dw_hh, &back.db_ih, &back.db_hh, &back.dw_hr};
    for (int i = 0; i < kMostWeights; ++i) *places[i] = at(weights[i]);
    compute_backward<Real>(cell, call.shape, {call.read_weights<Real>()}, {back}, threads);
}

nb::object torch_backward(const char* cell, nb::tuple saved, nb::tuple d_outputs, nb::tuple needs,
                          bool batch_first, int threads) {
    const int index = cell_index(cell);
    ShortCall call(index, batch_first);
    PyObject* const* const given = items(saved);
    const Py_ssize_t count = PyTuple_GET_SIZE(saved.ptr()) - 2;  // h and the gates come last
    Upstream up;
    if (torch.describe == nullptr || wants_gradients() || !is_open() || !call.read(given, count) ||
        PyTuple_GET_SIZE(needs.ptr()) != count ||
        PyTuple_GET_SIZE(d_outputs.ptr()) != 1 + call.facts.states ||
        !up.read(call, given + count, items(d_outputs))) {
        return nb::none();
    }
    nb::object all = nb::steal(PyTuple_New(count));
    Described found[1 + kMostStates + kMostWeights] = {};
    for (Py_ssize_t i = 0; i < count; ++i) {
        nb::object gradient = nb::none();
        if (PyTuple_GET_ITEM(needs.ptr(), i) == Py_True && given[i] != Py_None) {
            const Made made =
                i == 0 ? call.fresh(given[0], call.shape.I) : Made(empty_like(given[i]));
            found[i] = made.at;
            gradient = made.object;
        }
        PyTuple_SET_ITEM(all.ptr(), i, gradient.release().ptr());
    }
    const auto run = call.is_double() ? run_short_backward<double> : run_short_backward<float>;
    run(index, call, up, found, threads);
    return all;
}

constexpr const char* kLayerDoc =
    R"(A call of a plain layer in one direction, or None where the kernels do not serve.

x [T, B, I], or [B, T, I] with batch_first; hx: None, the state [1, B, P], or the LSTM's tuple of h
and c [1, B, H]; names: of the module's weights, w_ih, w_hh, b_ih, b_hh (or None), and w_hr
where P is not H. The answer is h, laid out as x, and the final state; where autograd is to follow,
the tensors of the call, x, the states and the weights, and None.)";
constexpr const char* kShortForwardDoc =
    R"(h, laid out as x, the final states, the gates, and a copy of h where it is small, else None.

tensors: as torch_layer returns them.)";
constexpr const char* kShortBackwardDoc =
    R"(The gradients of the tensors of a call, None where none is needed; or None where the kernels do
not serve.

saved: the tensors, h and the gates. d_outputs: the gradients of h and of the final states, or None
for zeros. needs: for each of the tensors whether its gradient is wanted.)";

}  // namespace

void bind_short(nb::module_& module) {
    module.def("torch_layer", torch_layer, "cell"_a, "x"_a.none(), "hx"_a.none(), "module"_a,
               "names"_a, "I"_a, "H"_a, "P"_a, "batch_first"_a, "threads"_a, kLayerDoc);
    module.def("torch_forward", torch_forward, "cell"_a, "tensors"_a, "batch_first"_a, "threads"_a,
               kShortForwardDoc);
    module.def("torch_backward", torch_backward, "cell"_a, "saved"_a, "d_outputs"_a, "needs"_a,
               "batch_first"_a, "threads"_a, kShortBackwardDoc);
}

}  // namespace gruta
