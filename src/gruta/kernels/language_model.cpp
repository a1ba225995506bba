#include "gruta/kernels/language_model.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "gruta/kernels/arguments.h"
#include "gruta/kernels/denormals.h"
#include "gruta/kernels/packed.h"
#include "gruta/kernels/sampling.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace gruta {
namespace {

// A linear layer, its weights packed once.
class Dense {
  public:
    Dense(std::int64_t outputs, std::int64_t inputs, const float* weights, const float* bias,
          const std::string& storage)
        : outputs_(outputs), inputs_(inputs), kernels_(kernels_of(storage)) {
        packed_.grow(kernels_.packed_bytes(outputs, inputs));
        kernels_.pack(outputs, inputs, weights, bias, packed_.data());
    }

    std::int64_t outputs() const { return outputs_; }

    void run(std::int64_t rows, const float* x, float* y) const {
        kernels_.run(outputs_, inputs_, packed_.data(), rows, x, y);
    }

  private:
    static const DenseKernels<float>& kernels_of(const std::string& storage) {
        if (storage == "float16") return isa().kernels->float16->dense;
        if (storage == "bfloat16") return isa().kernels->bfloat16->dense;
        return isa().kernels->float32->dense;
    }

    std::int64_t outputs_, inputs_;
    const DenseKernels<float>& kernels_;
    Memory packed_;
};

struct State {
    float *h, *c;
};

using How = std::tuple<double, std::int64_t, double, double, double>;

// Layers one behind the other, of which the first reads rows of a table, and scores of the last
// one's states.
class LanguageModel {
  public:
    LanguageModel(Lookup<float>& first, std::vector<Packed<float>*> others, Dense output)
        : first_(first), others_(std::move(others)), output_(std::move(output)) {}

    std::int64_t units() const { return output_.outputs(); }
    std::size_t layers() const { return 1 + others_.size(); }
    const Packed<float>& layer(std::size_t k) const {
        return k == 0 ? first_.packed() : *others_[k - 1];
    }

    // Brings the states [B] and the scores [B, V] forward by units [B].
    void take_in(const std::int64_t* units, std::int64_t B, const std::vector<State>& states,
                 float* logits) {
        first_.step(units, B, states[0].h, states[0].c);
        for (std::size_t k = 0; k < others_.size(); ++k) {
            others_[k]->step(states[k].h, B, states[k + 1].h, states[k + 1].c);
        }
        const FlushDenormals flush;
        output_.run(B, states.back().h, logits);
    }

  private:
    Lookup<float>& first_;
    std::vector<Packed<float>*> others_;
    Dense output_;
};

void init_language_model(LanguageModel* self, Lookup<float>& first,
                         const std::vector<Packed<float>*>& others, nb::handle weight_array,
                         nb::handle bias_array, const std::string& storage) {
    const Packed<float>& last = others.empty() ? first.packed() : *others.back();
    const Argument<const float> weight("weight", weight_array,
                                       {{"V", first.count()}, {"P", last.shape().P}});
    const Argument<const float> bias("bias", bias_array, {{"V", first.count()}});
    std::int64_t width = first.packed().shape().P;
    for (const Packed<float>* layer : others) {
        if (layer->shape().I != width) {
            throw nb::value_error("others must each read the states of the layer before");
        }
        width = layer->shape().P;
    }
    new (self) LanguageModel(first, others,
                             Dense(first.count(), width, weight.data(), bias.data(), storage));
}

// What `write` changes, held while it does.
class StateLists {
  public:
    StateLists(const LanguageModel& model, std::int64_t B, nb::list lists) {
        if (lists.size() != model.layers()) {
            throw nb::value_error("states must be a list with the states of each layer");
        }
        for (std::size_t k = 0; k < model.layers(); ++k) {
            const Packed<float>& layer = model.layer(k);
            const auto own = nb::cast<nb::tuple>(lists[k]);
            if (own.size() != static_cast<std::size_t>(layer.states())) {
                throw nb::value_error("states must hold h of each layer, and c of an LSTM's");
            }
            held_.emplace_back("h", own[0], Axes{{"B", B}, {"P", layer.shape().P}});
            State state = {held_.back().data(), nullptr};
            if (layer.states() > 1) {
                held_.emplace_back("c", own[1], Axes{{"B", B}, {"H", layer.shape().H}});
                state.c = held_.back().data();
            }
            states_.push_back(state);
        }
    }

    const std::vector<State>& states() const { return states_; }

  private:
    std::vector<Argument<float>> held_;
    std::vector<State> states_;
};

void write(LanguageModel& model, nb::list lists, nb::handle logits_array, nb::handle uniform_array,
           nb::handle said_array, const How& how, nb::handle units_array) {
    const std::int64_t V = model.units();
    const Argument<float> logits("logits", logits_array, {{"B", kAny}, {"V", V}});
    const std::int64_t B = logits.extent(0);
    const Argument<const double> uniform("uniform", uniform_array, {{"T", kAny}, {"B", B}});
    const std::int64_t T = uniform.extent(0);
    const Argument<std::int64_t> units("units", units_array, {{"T", T}, {"B", B}});
    std::optional<Argument<std::uint8_t>> said;
    if (!said_array.is_none()) said.emplace("said", said_array, Axes{{"B", B}, {"V", V}});
    const StateLists states(model, B, lists);
    const auto& [temperature, top_k, top_p, min_p, repetition_penalty] = how;

    const nb::gil_scoped_release unlocked;
    Sampler sampler({temperature, top_k, top_p, min_p, repetition_penalty}, V);
    for (std::int64_t t = 0; t < T; ++t) {
        std::int64_t* const drawn = units.data() + t * B;
        for (std::int64_t b = 0; b < B; ++b) {
            std::uint8_t* const own = said.has_value() ? said->data() + b * V : nullptr;
            drawn[b] = sampler.draw(logits.data() + b * V, own, uniform.data()[t * B + b]);
            if (own != nullptr) own[drawn[b]] = 1;
        }
        model.take_in(drawn, B, states.states(), logits.data());
    }
}

constexpr const char* kModelDoc =
    R"(A language model: layers whose first reads rows of a table, and scores of each of its rows.

first: LookupF32. others: PackedF32, each of which reads the states of the one before. weight [V, P]
and bias [V] make scores of the last one's; storage: how the weights are kept.)";
constexpr const char* kWriteDoc =
    R"(Draw units [T, B] from scores, each after the one before was taken in; all C-contiguous.

states: a tuple (h,) or (h, c) a layer; they and logits [B, V] are brought forward in place. uniform
[T, B], 0 <= u < 1, says which unit is drawn. said: uint8 [B, V], or None; which units stand in the
text. how: the fields of gruta.codec.text.sampling.Sampling.)";

}  // namespace

void bind_language_model(nb::module_& module) {
    nb::class_<LanguageModel>(module, "LanguageModel", kModelDoc)
        .def("__init__", init_language_model, nb::keep_alive<1, 2>(), nb::keep_alive<1, 3>(),
             "first"_a, "others"_a, "weight"_a, "bias"_a, "storage"_a)
        .def("write", write, "states"_a, "logits"_a, "uniform"_a, "said"_a.none(), "how"_a,
             "units"_a, kWriteDoc);
}

}  // namespace gruta
