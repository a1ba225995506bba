// Every cell forward and backward against the reference, at awkward sizes and with every option.
#include <algorithm>
#include <cstdio>

#include "gruta/kernels/checks/pass.h"

namespace gruta::checks {

namespace {

constexpr std::int64_t kRows[] = {1, 1, 2, 3, 4, 5, 7, 8, 9, 13, 17};
constexpr std::int64_t kSteps[] = {1, 2, 3, 5, 8, 13};
constexpr std::int64_t kSizes[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63};
constexpr Order kOrders[] = {Order::dense, Order::padded, Order::batch_first};
constexpr Order kInputOrders[] = {Order::dense, Order::padded, Order::batch_first,
                                  Order::broadcast};

// Relative to the largest number of an array, or to 1. Sums of some hundreds of rounded products.
// A layer norm divides what was rounded by σ, which is small where a gate has few units or x few
// numbers.
template <class Real>
double tolerance(const Problem& problem) {
    return (sizeof(Real) == 4 ? 2e-5 : 2e-14) * (problem.shape.normed ? 30 : 1);
}

// Of the gradients: those of a layer that is halved see what 16 bits leave of the gates.
template <class Real>
double tolerance_back(const Problem& problem) {
    const bool halved = sizeof(Real) == 4 && problem.shape.halved;
    return tolerance<Real>(problem) * (halved ? 20 : 1);
}

// Shapes that chance would rarely draw: nothing at all, several blocks of steps, many rows.
constexpr Shape kOdd[] = {
    {0, 3, 2, 5, 5},      {2, 0, 3, 4, 4},     {0, 0, 1, 1, 1},     {1, 300, 3, 2, 2},
    {1, 40, 5, 130, 130}, {300, 3, 1, 3, 3},   {70, 9, 3, 17, 17},  {2, 2, 150, 9, 9},
    {1, 2, 9, 150, 150},  {33, 7, 31, 33, 33}, {3, 4, 1, 260, 260},
};

Problem draw_problem(Draw& draw, int cell, int index) {
    Problem problem;
    problem.cell = cell;
    Shape& shape = problem.shape;
    const auto odd = static_cast<std::size_t>(index);
    if (odd < std::size(kOdd)) {
        shape = kOdd[odd];
    } else {
        shape = {draw.of(kRows), draw.of(kSteps), draw.of(kSizes), draw.of(kSizes), 0};
        shape.P = shape.H;
    }
    if (cell == kLstm && draw.one_in(2)) shape.P = draw.of(kSizes);
    problem.has_lengths = draw.one_in(2);
    problem.reverse = draw.one_in(2);
    problem.has_reset = draw.one_in(2);
    problem.has_restart = draw.one_in(2);
    problem.has_dropout = draw.one_in(2);
    problem.has_hold = draw.one_in(3);
    problem.held = draw.one_in(4) ? 0.25 : 0;
    problem.has_b_ih = !draw.one_in(4);
    problem.has_b_hh = !draw.one_in(4);
    // Of two units a norm makes 1 and −1 of all but a difference near 0, and magnifies that without
    // bound, and what is off in it.
    shape.normed = draw.one_in(3) && shape.H != 2;
    shape.halved = draw.one_in(3);
    return problem;
}

Placing draw_placing(Draw& draw) {
    Placing placing;
    placing.x = draw.of(kInputOrders);
    placing.h = draw.of(kOrders);
    placing.gradients = draw.of(kOrders);
    placing.dh = draw.of(kInputOrders);
    placing.shift = static_cast<std::size_t>(draw.below(4));
    placing.final_is_initial = draw.one_in(3);
    // Half of the calls leave out nothing, the others half of what they may.
    if (draw.one_in(2)) placing.left_out = static_cast<std::uint64_t>(draw.below(1 << 20));
    return placing;
}

std::vector<Plan> plans() {
    return {{1, 1, false}, {1, 2, false}, {1, 3, false}, {1, 2, true}, {1, 3, true}};
}

// Returns the largest error, in tolerances.
template <class Real>
double check_problem(Report& report, const Problem& problem, const Placing& placing,
                     const Plan& plan) {
    const bool same_x = placing.x == Order::broadcast, same_dh = placing.dh == Order::broadcast;
    const Inputs in = draw_inputs<Real>(problem, same_x, same_dh);
    const CellKernels<Real>& kernels = isa().kernels->of<Real>(problem.cell);
    const std::string what = std::string(sizeof(Real) == 4 ? "float32 " : "float64 ") +
                             problem.name() + " threads " + std::to_string(plan.threads()) +
                             (plan.splits_units ? " split units" : "");

    Pass<Real> forth(problem, in, placing);
    const Trace trace = forward(problem, in);
    call_forward(kernels.forward, problem, {&forth}, plan);
    double worst = forth.compare(report, what, trace, tolerance<Real>(problem));
    forth.check_intact(report, what);
    if (problem.held != 0 && !problem.has_hold) return worst;

    Problem exact = problem;
    exact.held = 0;
    Placing with_gates = placing;
    with_gates.left_out &= ~(std::uint64_t{1} << kGates);
    const Gradients gradients = backward(exact, without(in, with_gates.left_out), trace);
    Pass<Real> back(exact, in, with_gates);
    call_backward(kernels, exact, {&back}, {&trace}, plan);
    worst = std::max(worst, back.compare(report, what, gradients, tolerance_back<Real>(problem)));
    back.check_intact(report, what);
    return worst;
}

}  // namespace

void check_layers(Report& report, Effort effort) {
    const int count = effort.quick ? 60 : 600;
    double worst[2] = {};
    for (int cell = 0; cell < kCellCount; ++cell) {
        Draw draw(static_cast<std::uint64_t>(cell) + 1);
        for (int i = 0; i < count; ++i) {
            Problem problem = draw_problem(draw, cell, i);
            problem.seed = static_cast<std::uint64_t>(cell * 10000 + i);
            const Placing placing = draw_placing(draw);
            const std::vector<Plan> ways = plans();
            const Plan plan = ways[static_cast<std::size_t>(i) % ways.size()];
            worst[0] = std::max(worst[0], check_problem<float>(report, problem, placing, plan));
            worst[1] = std::max(worst[1], check_problem<double>(report, problem, placing, plan));
        }
    }
    std::printf("layers: largest error %.2f (float32) and %.2f (float64) of what is allowed\n",
                worst[0], worst[1]);
}

}  // namespace gruta::checks
