// One step of one row, with the weights as they lie.
#include <algorithm>

#include "gruta/kernels/checks/reference.h"
#include "gruta/kernels/checks/report.h"

namespace gruta::checks {

namespace {

template <class Real>
Array<Real> placed(const Numbers& numbers, std::size_t shift) {
    if (numbers.empty()) return {};
    Array<Real> array(numbers.size(), shift);
    for (std::size_t i = 0; i < numbers.size(); ++i) array[i] = static_cast<Real>(numbers[i]);
    return array;
}

template <class Real>
void check_row(Report& report, const Problem& problem, std::size_t shift, double tolerance) {
    const CellKernels<Real>& kernels = isa().kernels->of<Real>(problem.cell);
    const Inputs in = draw_inputs<Real>(problem);
    const Trace expected = forward(problem, in);
    const auto x = placed<Real>(in.x, shift);
    const auto w_ih = placed<Real>(in.w_ih, shift), w_hh = placed<Real>(in.w_hh, shift);
    const auto b_ih = placed<Real>(in.b_ih, shift), b_hh = placed<Real>(in.b_hh, shift);
    const int states = states_of(problem.cell);
    Array<Real> initial[kMostStates], final[kMostStates];
    const Real* before[kMostStates] = {};
    Real* after[kMostStates] = {};
    for (int s = 0; s < states; ++s) {
        initial[s] = placed<Real>(in.initial[s], shift);
        final[s] = Array<Real>(in.initial[s].size(), shift);
        before[s] = initial[s].data();
        after[s] = final[s].data();
    }
    kernels.step_row(problem.shape, {w_ih.data(), w_hh.data(), b_ih.data(), b_hh.data(), nullptr},
                     x.data(), before, after);
    const std::string what = "a row alone, " + problem.name();
    for (int s = 0; s < states; ++s) {
        double worst = 0;
        for (std::size_t i = 0; i < final[s].size(); ++i) {
            const double miss = std::abs(static_cast<double>(final[s][i]) - expected.final[s][i]);
            worst = std::max(worst, std::isnan(miss) ? HUGE_VAL : miss);
        }
        report.check(worst <= tolerance, what + ": off by " + std::to_string(worst));
        report.check(final[s].is_intact() && initial[s].is_intact(), what + ": writes outside");
    }
}

template <class Real>
void check_dtype(Report& report, Effort effort, double tolerance) {
    constexpr int cells[] = {kGru, kLstm, kRnnTanh, kRnnRelu};
    Draw draw(11);
    for (int i = 0; i < (effort.quick ? 60 : 600); ++i) {
        const std::int64_t H = 1 + draw.below(70);
        Problem problem;
        problem.cell = draw.of(cells);
        problem.shape = {1, 1, 1 + draw.below(40), H, H};
        problem.seed = static_cast<std::uint64_t>(i);
        problem.has_b_ih = !draw.one_in(4);
        problem.has_b_hh = !draw.one_in(4);
        check_row<Real>(report, problem, static_cast<std::size_t>(draw.below(3)), tolerance);
    }
}

}  // namespace

void check_rows(Report& report, Effort effort) {
    report.check(isa().kernels->of<float>(kGruResetBefore).step_row == nullptr,
                 "the reset-before GRU has no such step");
    check_dtype<float>(report, effort, 2e-5);
    check_dtype<double>(report, effort, 1e-13);
}

}  // namespace gruta::checks
