#include "gruta/kernels/sampling.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace gruta {

Sampler::Sampler(const Sampling& how, std::int64_t units) : how_(how), units_(units) {}

std::int64_t Sampler::draw(double* scores, const std::uint8_t* said, double uniform) const {
    double* const end = scores + units_;
    for (std::int64_t v = 0; said != nullptr && v < units_; ++v) {
        double& x = scores[v];
        if (said[v] != 0) x = x > 0 ? x / how_.repetition_penalty : x * how_.repetition_penalty;
    }
    const double* const top = std::max_element(scores, end);
    if (how_.temperature == 0) return top - scores;
    const double most = *top;
    for (double* x = scores; x < end; ++x) {
        *x = std::exp((*x - most) / how_.temperature);
        if (*x < how_.min_p) *x = 0;  // the likeliest stands at 1
    }
    if ((how_.top_k > 0 && how_.top_k < units_) || how_.top_p < 1) leave_likeliest(scores);
    const double beyond = uniform * std::accumulate(scores, end, 0.0);
    double sum = 0;
    for (std::int64_t v = 0; v < units_; ++v) {
        sum += scores[v];
        if (sum > beyond) return v;
    }
    return 0;  // no number is likely: the scores are no numbers
}

// Sets to 0 what top_k and top_p leave out; units as likely as each other keep their order.
void Sampler::leave_likeliest(double* odds) const {
    std::vector<std::int64_t> order(static_cast<std::size_t>(units_));
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
        return odds[a] > odds[b] || (odds[a] == odds[b] && a < b);
    });
    std::size_t kept = order.size();
    if (how_.top_k > 0) kept = std::min(kept, static_cast<std::size_t>(how_.top_k));
    double all = 0;
    for (std::size_t i = 0; i < kept; ++i) all += odds[order[i]];
    double before = 0;
    for (std::size_t i = 0; i < order.size(); ++i) {
        const double own = odds[order[i]];
        if (i >= kept || (how_.top_p < 1 && before >= how_.top_p * all)) odds[order[i]] = 0;
        before += own;
    }
}

}  // namespace gruta
