// Packed weights that are kept: found again while the weights are what they were, and only then.
#include <thread>
#include <vector>

#include "gruta/kernels/checks/report.h"
#include "gruta/kernels/packs.h"

namespace gruta::checks {

namespace {

constexpr int kLstm = 2;

struct Layer {
    explicit Layer(std::int64_t size)
        : kernels(isa().kernels->of<float>(kLstm)),
          shape{1, 1, size, size, size},
          w_ih(static_cast<std::size_t>(kernels.gates * size * size), 0.5f),
          w_hh(w_ih.size(), 0.25f),
          bias(static_cast<std::size_t>(kernels.gates * size), 1.0f) {}

    std::shared_ptr<const Memory> packed() const {
        const Weights<float> weights = {w_ih.data(), w_hh.data(), bias.data(), nullptr, nullptr};
        return kept_pack(kernels.forward, shape, weights, kernels.gates);
    }

    const CellKernels<float>& kernels;
    Shape shape;
    std::vector<float> w_ih, w_hh, bias;
};

void check_that_packs_follow_the_weights(Report& report) {
    Layer layer(9);
    const auto first = layer.packed();
    report.check(layer.packed() == first, "packed weights are kept while nothing changes");
    for (auto* weights : {&layer.w_ih, &layer.w_hh, &layer.bias}) {
        const auto before = layer.packed();
        weights->back() = -weights->back();
        report.check(layer.packed() != before, "one sign that changes makes a fresh pack");
    }
}

void check_that_too_much_is_not_kept(Report& report) {
    const Layer small(9), large(1500);
    const auto kept = small.packed();
    report.check(large.packed() != large.packed(), "what is too large is not kept");
    report.check(small.packed() == kept, "what is too large leaves the others alone");
}

void check_that_threads_may_share_packs(Report& report, Effort effort) {
    const Layer layers[] = {Layer(7), Layer(8), Layer(9)};
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 4; ++caller) {
        callers.emplace_back([&] {
            for (int i = 0; i < (effort.quick ? 50 : 500); ++i) {
                for (const Layer& layer : layers) {
                    report.check(layer.packed()->data() != nullptr, "a pack among threads");
                }
            }
        });
    }
    for (std::thread& caller : callers) caller.join();
}

}  // namespace

void check_packs(Report& report, Effort effort) {
    check_that_packs_follow_the_weights(report);
    check_that_too_much_is_not_kept(report);
    check_that_threads_may_share_packs(report, effort);
}

}  // namespace gruta::checks
