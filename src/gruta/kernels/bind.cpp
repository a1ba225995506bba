// The Python module gruta.kernels._native: checks what comes in, lets go of the interpreter, and
// calls the kernels of the instruction set that serves this process.
#include <nanobind/nanobind.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <string>

#include "gruta/kernels/arguments.h"
#include "gruta/kernels/dispatch.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace gruta {
namespace {

// Memory for a kernel: uninitialised, on a cache line's boundary.
class Memory {
  public:
    Memory() = default;
    explicit Memory(std::size_t bytes) { grow(bytes); }

    void* data() const { return data_.get(); }

    // Makes room for at least so many bytes; what was there is lost.
    void grow(std::size_t bytes) {
        if (bytes <= bytes_) return;
        data_.reset(::operator new(bytes, kAlignment));
        bytes_ = bytes;
    }

  private:
    static constexpr std::align_val_t kAlignment{64};
    struct Free {
        void operator()(void* data) const { ::operator delete(data, kAlignment); }
    };

    std::size_t bytes_ = 0;
    std::unique_ptr<void, Free> data_;
};

void check_at_least_one(const char* symbol, const char* source, std::int64_t extent) {
    if (extent >= 1) return;
    throw nb::value_error((std::string(symbol) + ", the last axis of " + source +
                           ", must be at least 1, got 0: there is nothing to compute")
                              .c_str());
}

void check_lengths(const Argument<const std::int64_t>& lengths, std::int64_t B, std::int64_t T) {
    if (lengths.data() == nullptr) return;
    for (std::int64_t b = 0; b < B; ++b) {
        const std::int64_t length = lengths.data()[b];
        if (length >= 0 && length <= T) continue;
        throw nb::value_error(("lengths[" + std::to_string(b) +
                               "] must be from 0 to T = " + std::to_string(T) + ", got " +
                               std::to_string(length) + ": cut it, or pad x to more steps")
                                  .c_str());
    }
}

// The weights as they come from Python, held while they are packed.
template <class Real>
struct GruWeights {
    using In = Argument<const Real>;

    GruWeights(nb::handle w_ih, nb::handle w_hh, nb::handle b_ih, nb::handle b_hh, std::int64_t I,
               std::int64_t H)
        : w_ih("w_ih", w_ih, {{"3H", 3 * H}, {"I", I}}),
          w_hh("w_hh", w_hh, {{"3H", 3 * H}, {"H", H}}),
          b_ih(In::optional("b_ih", b_ih, {{"3H", 3 * H}})),
          b_hh(In::optional("b_hh", b_hh, {{"3H", 3 * H}})) {}

    gru::Weights<Real> view() const { return {w_ih.data(), w_hh.data(), b_ih.data(), b_hh.data()}; }

    In w_ih, w_hh, b_ih, b_hh;
};

template <class Real>
void gru_sequence_of(nb::handle x_array, nb::handle h_0_array, nb::handle w_ih, nb::handle w_hh,
                     nb::handle b_ih, nb::handle b_hh, nb::handle lengths_array, bool reverse,
                     bool reset_after, nb::handle h_array, nb::handle h_n_array,
                     nb::handle gates_array) {
    using In = Argument<const Real>;
    using Out = Argument<Real>;
    const In x("x", x_array, {{"T", kAny}, {"B", kAny}, {"I", kAny}});
    const std::int64_t T = x.extent(0), B = x.extent(1), I = x.extent(2);
    const In h_0("h_0", h_0_array, {{"B", B}, {"H", kAny}});
    const std::int64_t H = h_0.extent(1);
    check_at_least_one("I", "x", I);
    check_at_least_one("H", "h_0", H);
    const GruWeights<Real> weights(w_ih, w_hh, b_ih, b_hh, I, H);
    const auto lengths =
        Argument<const std::int64_t>::optional("lengths", lengths_array, {{"B", B}});
    check_lengths(lengths, B, T);
    const Out h("h", h_array, {{"T", T}, {"B", B}, {"H", H}});
    const Out h_n("h_n", h_n_array, {{"B", B}, {"H", H}});
    const Out gates = Out::optional("gates", gates_array, {{"T", T}, {"B", B}, {"4H", 4 * H}});

    const gru::Kernels<Real>& kernels = isa().kernels->gru<Real>();
    const gru::Shape shape = {B, T, I, H, reset_after};
    const gru::Sequence<Real> sequence = {x.data(), h_0.data(), lengths.data(), reverse,
                                          h.data(), h_n.data(), gates.data()};
    const Memory packed(kernels.packed_bytes(shape));
    const Memory scratch(kernels.scratch_bytes(shape));
    const nb::gil_scoped_release unlocked;
    kernels.pack(shape, weights.view(), packed.data());
    kernels.forward(shape, packed.data(), sequence, scratch.data());
}

void gru_sequence(nb::handle x, nb::handle h_0, nb::handle w_ih, nb::handle w_hh, nb::handle b_ih,
                  nb::handle b_hh, nb::handle lengths, bool reverse, bool reset_after, nb::handle h,
                  nb::handle h_n, nb::handle gates) {
    const auto run = is_double("x", x) ? gru_sequence_of<double> : gru_sequence_of<float>;
    run(x, h_0, w_ih, w_hh, b_ih, b_hh, lengths, reverse, reset_after, h, h_n, gates);
}

// Packed weights and the memory of a step; calls from several threads take turns.
template <class Real>
class GruStep {
  public:
    GruStep(nb::handle w_ih_array, nb::handle w_hh_array, nb::handle b_ih, nb::handle b_hh,
            bool reset_after) {
        const Argument<const Real> w_ih("w_ih", w_ih_array, {{"3H", kAny}, {"I", kAny}});
        const Argument<const Real> w_hh("w_hh", w_hh_array, {{"3H", kAny}, {"H", kAny}});
        shape_ = {0, 1, w_ih.extent(1), w_hh.extent(1), reset_after};
        check_at_least_one("I", "w_ih", shape_.I);
        check_at_least_one("H", "w_hh", shape_.H);
        const GruWeights<Real> weights(w_ih_array, w_hh_array, b_ih, b_hh, shape_.I, shape_.H);
        packed_.grow(kernels_.packed_bytes(shape_));
        kernels_.pack(shape_, weights.view(), packed_.data());
    }

    void step(nb::handle x_array, nb::handle h_array) {
        const Argument<const Real> x("x", x_array, {{"B", kAny}, {"I", shape_.I}});
        const std::int64_t B = x.extent(0);
        const Argument<Real> h("h", h_array, {{"B", B}, {"H", shape_.H}});

        const nb::gil_scoped_release unlocked;
        const std::lock_guard turn(mutex_);
        gru::Shape shape = shape_;
        shape.B = B;
        output_.grow(sizeof(Real) * static_cast<std::size_t>(B * shape.H));
        scratch_.grow(kernels_.scratch_bytes(shape));
        auto* const output = static_cast<Real*>(output_.data());
        kernels_.forward(shape, packed_.data(),
                         {x.data(), h.data(), nullptr, false, output, h.data(), nullptr},
                         scratch_.data());
    }

  private:
    const gru::Kernels<Real>& kernels_ = isa().kernels->gru<Real>();
    gru::Shape shape_;
    Memory packed_, scratch_, output_;
    std::mutex mutex_;
};

constexpr const char* kIsaDoc = "The instruction set that serves this process.";

constexpr const char* kGruSequenceDoc =
    R"(One GRU layer in one direction, written to h, h_n and gates.

x [T, B, I], h_0 [B, H], w_ih [3H, I], w_hh [3H, H], b_ih and b_hh [3H] or None, h [T, B, H],
h_n [B, H] (may be h_0), gates [T, B, 4H] or None: C-contiguous, all float32 or all float64.
lengths [B] int64, each from 0 to T, or None. Nothing is copied or converted: TypeError for another
dtype, ValueError for another shape, for strides, and for outputs that are read-only.)";

constexpr const char* kGruStepDoc =
    "Packed weights of a GRU: w_ih [3H, I], w_hh [3H, H], b_ih and b_hh [3H] or None.";

constexpr const char* kStepDoc =
    "Take in x [B, I] and bring the state h [B, H] forward, in place; both C-contiguous.";

template <class Real>
void bind_gru_step(nb::module_& module, const char* name) {
    nb::class_<GruStep<Real>>(module, name, kGruStepDoc)
        .def(nb::init<nb::handle, nb::handle, nb::handle, nb::handle, bool>(), "w_ih"_a, "w_hh"_a,
             "b_ih"_a.none(), "b_hh"_a.none(), "reset_after"_a)
        .def("step", &GruStep<Real>::step, "x"_a, "h"_a, kStepDoc);
}

}  // namespace
}  // namespace gruta

NB_MODULE(_native, module) {
    using namespace gruta;
    module.def("isa", [] { return isa().name; }, kIsaDoc);
    module.def("gru_sequence", gru_sequence, "x"_a, "h_0"_a, "w_ih"_a, "w_hh"_a, "b_ih"_a.none(),
               "b_hh"_a.none(), "lengths"_a.none(), "reverse"_a, "reset_after"_a, "h"_a, "h_n"_a,
               "gates"_a.none(), kGruSequenceDoc);
    bind_gru_step<float>(module, "GruStepF32");
    bind_gru_step<double>(module, "GruStepF64");
}
