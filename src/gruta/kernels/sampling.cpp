#include "gruta/kernels/sampling.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace gruta {

Sampler::Sampler(const Sampling& how, std::int64_t units)
    : how_(how), units_(units), odds_(static_cast<std::size_t>(units)) {}

std::int64_t Sampler::draw(const float* logits, const std::uint8_t* said, double uniform) {
    for (std::int64_t v = 0; v < units_; ++v) {
        double x = logits[v];
        if (said != nullptr && said[v] != 0) {
            x = x > 0 ? x / how_.repetition_penalty : x * how_.repetition_penalty;
        }
        odds_[static_cast<std::size_t>(v)] = x;
    }
    const auto top = std::max_element(odds_.begin(), odds_.end());
    if (how_.temperature == 0) return top - odds_.begin();
    const double most = *top;
    for (double& x : odds_) {
        x = std::exp((x - most) / how_.temperature);
        if (x < how_.min_p) x = 0;  // the likeliest stands at 1
    }
    if ((how_.top_k > 0 && how_.top_k < units_) || how_.top_p < 1) leave_likeliest();
    const double beyond = uniform * std::accumulate(odds_.begin(), odds_.end(), 0.0);
    double sum = 0;
    for (std::int64_t v = 0; v < units_; ++v) {
        sum += odds_[static_cast<std::size_t>(v)];
        if (sum > beyond) return v;
    }
    return 0;  // no number is likely: the scores are no numbers
}

// Sets to 0 what top_k and top_p leave out; units as likely as each other keep their order.
void Sampler::leave_likeliest() {
    order_.resize(odds_.size());
    std::iota(order_.begin(), order_.end(), 0);
    const auto at = [&](std::int64_t v) -> double& { return odds_[static_cast<std::size_t>(v)]; };
    std::sort(order_.begin(), order_.end(), [&](std::int64_t a, std::int64_t b) {
        return at(a) > at(b) || (at(a) == at(b) && a < b);
    });
    std::size_t kept = order_.size();
    if (how_.top_k > 0) kept = std::min(kept, static_cast<std::size_t>(how_.top_k));
    double all = 0;
    for (std::size_t i = 0; i < kept; ++i) all += at(order_[i]);
    double before = 0;
    for (std::size_t i = 0; i < order_.size(); ++i) {
        double& odds = at(order_[i]);
        const double own = odds;
        if (i >= kept || (how_.top_p < 1 && before >= how_.top_p * all)) odds = 0;
        before += own;
    }
}

}  // namespace gruta
