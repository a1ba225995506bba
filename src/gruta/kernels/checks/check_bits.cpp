// The same bits however a call's work is shared: among threads, by rows or by units, directions
// side by side, and for a row alone or in any batch.
#include "gruta/kernels/checks/pass.h"

namespace gruta::checks {

namespace {

constexpr Plan kPlans[] = {
    {1, 2, false}, {1, 3, false}, {1, 2, true},  {1, 3, true},  {2, 1, false},
    {2, 2, false}, {2, 2, true},  {3, 1, false}, {1, 1, false}, {1, 1, true},
};

Problem draw_problem(Draw& draw, int cell, int index) {
    constexpr Shape kShapes[] = {{5, 6, 7, 33, 33}, {1, 4, 3, 70, 70},   {4, 3, 9, 5, 5},
                                 {9, 9, 2, 17, 17}, {31, 12, 5, 40, 40}, {2, 3, 40, 130, 130},
                                 {3, 0, 4, 9, 9},   {13, 5, 17, 16, 16}, {260, 4, 5, 11, 11}};
    Problem problem;
    problem.cell = cell;
    problem.shape = kShapes[static_cast<std::size_t>(index) % std::size(kShapes)];
    if (cell == kLstm && draw.one_in(2)) problem.shape.P = 1 + draw.below(40);
    problem.has_lengths = draw.one_in(2);
    problem.has_reset = draw.one_in(2);
    problem.has_restart = draw.one_in(2);
    problem.has_dropout = draw.one_in(2);
    problem.has_hold = draw.one_in(2);
    problem.shape.normed = draw.one_in(2);
    problem.shape.halved = draw.one_in(2);
    problem.seed = static_cast<std::uint64_t>(1000 + 100 * cell + index);
    return problem;
}

// A layer of some directions, computed by one plan.
template <class Real>
std::vector<Pass<Real>> compute(const Problem& problem, const std::vector<Inputs>& in,
                                const std::vector<Trace>& traces, const Plan& plan) {
    const CellKernels<Real>& kernels = isa().kernels->of<Real>(problem.cell);
    std::vector<Pass<Real>> passes;
    std::vector<Pass<Real>*> addresses;
    for (std::size_t i = 0; i < in.size(); ++i) {
        Problem direction = problem;
        direction.reverse = i % 2 == 1;
        passes.emplace_back(direction, in[i], Placing{});
    }
    std::vector<const Trace*> given;
    for (Pass<Real>& pass : passes) addresses.push_back(&pass);
    for (const Trace& trace : traces) given.push_back(&trace);
    // The way back first: it reads what the reference gave, and the way forth writes over it.
    call_backward(kernels, problem, addresses, given, plan);
    call_forward(kernels.forward, problem, addresses, plan);
    return passes;
}

template <class Real>
void check_problem(Report& report, const Problem& problem) {
    const std::string what = (sizeof(Real) == 4 ? "float32 " : "float64 ") + problem.name();
    std::vector<Inputs> in;
    std::vector<Trace> traces;
    for (int direction = 0; direction < 3; ++direction) {
        Problem one = problem;
        one.reverse = direction % 2 == 1;
        one.seed += static_cast<std::uint64_t>(7777 * direction);
        in.push_back(draw_inputs<Real>(one));
        traces.push_back(forward(one, in.back()));
    }
    const std::vector<Pass<Real>> expected = compute<Real>(problem, in, traces, Plan{});
    for (const Plan& plan : kPlans) {
        const std::vector<Pass<Real>> found = compute<Real>(problem, in, traces, plan);
        const std::string shared = what + ", " + std::to_string(plan.groups) + " groups of " +
                                   std::to_string(plan.members) +
                                   (plan.splits_units ? " that split units" : "");
        for (std::size_t i = 0; i < found.size(); ++i) {
            found[i].check_same(report, shared, expected[i], false);
            found[i].check_same(report, shared, expected[i], true);
            found[i].check_intact(report, shared);
        }
    }
    if (problem.shape.T == 0) return;
    for (std::int64_t b = 0; b < problem.shape.B; ++b) {
        const std::vector<Pass<Real>> alone = compute<Real>(
            row_of(problem), {row_of(problem, in[0], b)}, {row_of(problem, traces[0], b)}, Plan{});
        expected[0].check_row(report, what, alone[0], b, false);
        expected[0].check_row(report, what, alone[0], b, true);
    }
}

// One step whose inputs were projected before, and are not given.
template <class Real>
void check_projected(Report& report, Problem problem) {
    problem.shape.T = 1;
    problem.shape.normed = false;
    problem.has_lengths = false;
    const std::string what =
        (sizeof(Real) == 4 ? "float32 " : "float64 ") + problem.name() + ", projected before";
    const ForwardKernels<Real>& kernels = isa().kernels->of<Real>(problem.cell).forward;
    const Shape& shape = problem.shape;
    const Inputs in = draw_inputs<Real>(problem);
    Pass<Real> expected(problem, in, Placing{}), found(problem, in, Placing{});
    call_forward(kernels, problem, {&expected}, Plan{});

    const Memory packed = pack(kernels, shape, found.weights());
    const auto B = static_cast<std::size_t>(shape.B);
    const Array<Real> projected(B * kernels.projected_bytes(shape) / sizeof(Real), 0);
    Forward<Real> pass = found.forward();
    const Memory scratch(kernels.scratch_bytes(shape, {}));
    kernels.project(shape, packed.data(), pass.x.data, projected.data(), scratch.data());
    report.check(projected.is_intact(), what + " wrote outside of what is projected");
    pass.x = {};
    pass.projected = projected.data();
    for (const Plan& plan : kPlans) {
        found.poison_outputs(false);
        run_forward(kernels, shape, {packed.data()}, {pass}, plan);
        found.check_same(report, what, expected, false);
        found.check_intact(report, what);
    }
}

}  // namespace

void check_bits(Report& report, Effort effort) {
    for (int cell = 0; cell < kCellCount; ++cell) {
        Draw draw(static_cast<std::uint64_t>(cell) + 100);
        for (int i = 0; i < (effort.quick ? 9 : 45); ++i) {
            const Problem problem = draw_problem(draw, cell, i);
            check_problem<float>(report, problem);
            if (!effort.quick || i % 2 == 1) check_problem<double>(report, problem);
            check_projected<float>(report, problem);
            check_projected<double>(report, problem);
        }
    }
}

}  // namespace gruta::checks
