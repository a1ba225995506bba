#include "gruta/kernels/language_model.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "gruta/kernels/arguments.h"
#include "gruta/kernels/denormals.h"
#include "gruta/kernels/ngram.h"
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

// Counts beside the network, whose probabilities weigh `share`. Holds what they lie in.
struct Counts {
    std::vector<Argument<const std::int64_t>> numbers;
    std::vector<Argument<const float>> weights;
    NGram ngram;
    double share;

    // orders: (runs, first, kept, left) each, as gruta/codec/text/ngram.py has them.
    static Counts of(std::int64_t size, nb::list orders, double share) {
        std::vector<Argument<const std::int64_t>> numbers;
        std::vector<Argument<const float>> weights;
        std::vector<NGramOrder> found;
        for (nb::handle one : orders) {
            const auto parts = nb::cast<nb::tuple>(one);
            if (parts.size() != 4) throw nb::value_error("orders must be tuples of four arrays");
            const auto& runs = numbers.emplace_back("runs", parts[0], Axes{{"N", kAny}});
            const std::int64_t count = runs.extent(0);
            const auto& left = weights.emplace_back("left", parts[3], Axes{{"C", kAny}});
            const std::int64_t contexts = left.extent(0);
            const auto& first =
                numbers.emplace_back("first", parts[1], Axes{{"C + 1", contexts + 1}});
            const auto& kept = weights.emplace_back("kept", parts[2], Axes{{"N", count}});
            found.push_back({numbers[numbers.size() - 2].data(), first.data(), kept.data(),
                             weights[weights.size() - 2].data(), count, contexts});
        }
        return {std::move(numbers), std::move(weights), NGram(size, std::move(found)), share};
    }

    // Logarithms of probabilities of both, from the network's scores [V]; what these never draw
    // (−inf) stays so.
    void mix(const float* logits, const std::int64_t* places, std::int64_t size, double* counted,
             double* scores) const {
        const double most = *std::max_element(logits, logits + size);
        double sum = 0;
        for (std::int64_t v = 0; v < size; ++v) sum += scores[v] = std::exp(logits[v] - most);
        ngram.next(places, counted);
        for (std::int64_t v = 0; v < size; ++v) {
            const double other = std::isinf(logits[v]) ? 0 : (1 - share) * counted[v];
            scores[v] = std::log(scores[v] * (share / sum) + other);
        }
    }
};

// Layers one behind the other, of which the first reads rows of a table, and scores of the last
// one's states.
class LanguageModel {
  public:
    LanguageModel(Lookup<float>& first, std::vector<Packed<float>*> others, Dense output)
        : first_(first), others_(std::move(others)), output_(std::move(output)) {}

    void count(Counts counts) { counts_.emplace(std::move(counts)); }
    const std::optional<Counts>& counts() const { return counts_; }

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
    std::optional<Counts> counts_;
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

void count(LanguageModel& model, nb::list orders, double share) {
    model.count(Counts::of(model.units(), orders, share));
}

void write(LanguageModel& model, nb::list lists, nb::handle logits_array, nb::handle uniform_array,
           nb::handle said_array, nb::handle places_array, const How& how, nb::handle units_array) {
    const std::int64_t V = model.units();
    const Argument<float> logits("logits", logits_array, {{"B", kAny}, {"V", V}});
    const std::int64_t B = logits.extent(0);
    const Argument<const double> uniform("uniform", uniform_array, {{"T", kAny}, {"B", B}});
    const std::int64_t T = uniform.extent(0);
    const Argument<std::int64_t> units("units", units_array, {{"T", T}, {"B", B}});
    std::optional<Argument<std::uint8_t>> said;
    if (!said_array.is_none()) said.emplace("said", said_array, Axes{{"B", B}, {"V", V}});
    const StateLists states(model, B, lists);
    const Counts* const counts = model.counts().has_value() ? &*model.counts() : nullptr;
    const std::int64_t order = counts == nullptr ? 0 : counts->ngram.order();
    std::optional<Argument<std::int64_t>> places;
    if (counts != nullptr) places.emplace("places", places_array, Axes{{"B", B}, {"N", order}});
    for (std::int64_t b = 0; counts != nullptr && b < B; ++b) {
        if (counts->ngram.has(places->data() + b * order)) continue;
        throw nb::value_error("places must be those of runs of the n-gram model");
    }
    const auto& [temperature, top_k, top_p, min_p, repetition_penalty] = how;

    const nb::gil_scoped_release unlocked;
    const Sampler sampler({temperature, top_k, top_p, min_p, repetition_penalty}, V);
    std::vector<double> scores(static_cast<std::size_t>(V)), counted(scores.size());
    for (std::int64_t t = 0; t < T; ++t) {
        std::int64_t* const drawn = units.data() + t * B;
        for (std::int64_t b = 0; b < B; ++b) {
            std::uint8_t* const own = said.has_value() ? said->data() + b * V : nullptr;
            std::int64_t* const at = counts == nullptr ? nullptr : places->data() + b * order;
            const float* const own_logits = logits.data() + b * V;
            if (counts == nullptr) {
                std::copy_n(own_logits, V, scores.data());
            } else {
                counts->mix(own_logits, at, V, counted.data(), scores.data());
            }
            drawn[b] = sampler.draw(scores.data(), own, uniform.data()[t * B + b]);
            if (own != nullptr) own[drawn[b]] = 1;
            if (counts != nullptr) counts->ngram.move(at, drawn[b]);
        }
        model.take_in(drawn, B, states.states(), logits.data());
    }
}

constexpr const char* kModelDoc =
    R"(A language model: layers whose first reads rows of a table, and scores of each of its rows.

first: LookupF32. others: PackedF32, each of which reads the states of the one before. weight [V, P]
and bias [V] make scores of the last one's; storage: how the weights are kept.)";
constexpr const char* kCountDoc =
    R"(Take in an n-gram model beside the network, whose probabilities weigh `share`.

orders: tuples of runs, first, kept and left, as gruta.codec.text.ngram.Order has them, the last two
in float32.)";
constexpr const char* kWriteDoc =
    R"(Draw units [T, B] from scores, each after the one before was taken in; all C-contiguous.

states: a tuple (h,) or (h, c) a layer; they and logits [B, V] are brought forward in place. uniform
[T, B], 0 <= u < 1, says which unit is drawn. said: uint8 [B, V], or None; which units stand in the
text. places: int64 [B, N], where the texts stand in the counts, if there are any, or None. how: the fields of gruta.codec.text.sampling.Sampling.)";

}  // namespace

void bind_language_model(nb::module_& module) {
    nb::class_<LanguageModel>(module, "LanguageModel", kModelDoc)
        .def("__init__", init_language_model, nb::keep_alive<1, 2>(), nb::keep_alive<1, 3>(),
             "first"_a, "others"_a, "weight"_a, "bias"_a, "storage"_a)
        .def("count", count, "orders"_a, "share"_a, kCountDoc)
        .def("write", write, "states"_a, "logits"_a, "uniform"_a, "said"_a.none(),
             "places"_a.none(), "how"_a, "units"_a, kWriteDoc);
}

}  // namespace gruta
