// Weights of 8 bits: sums of whole numbers are exact, the same in every instruction set, and what
// is made of them is what rounded rows and weights give.
#include <algorithm>
#include <limits>

#include "gruta/kernels/checks/pass.h"
#include "gruta/kernels/checks/whole.h"

// The products of instruction sets that multiply bytes without a sign, in single instructions'
// stead in plain operations: CMakeLists.txt compiles them for these checks.
namespace gruta::offset {
extern const IntegerProducts integers;
}

namespace gruta::checks {

namespace {

constexpr int kOffsetBytes = 16;

// Sums of so many words in some panels by a set whose vectors have `bytes`, against single sums.
void check_sums(Report& report, const std::string& name, const IntegerProducts& products, int bytes,
                int panels, int gates, std::int64_t words, bool largest) {
    Draw draw(static_cast<std::uint64_t>(words * 10 + gates));
    const auto wide = static_cast<std::size_t>(bytes / 4);
    const auto lanes = static_cast<std::size_t>(gates) * wide;
    const auto count = static_cast<std::size_t>(words), all = static_cast<std::size_t>(panels);
    const std::size_t panel_bytes = (8 + 4 * count) * lanes;
    // From −127 to 127; of the largest sums all are the one or the other.
    const auto any = [&] {
        return static_cast<std::int8_t>(largest ? (draw.one_in(40) ? -127 : 127)
                                                : draw.below(255) - 127);
    };
    Array<std::int8_t> x(4 * count, 0), packed(panel_bytes * all, 0);
    Array<float> start(lanes * all, 0), last(wide * all, 0), found(lanes * all, 0);
    std::int32_t below = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        x[i] = any();
        below -= std::min<std::int32_t>(x[i], 0);
    }
    std::vector<float> expected(lanes * all);
    for (std::size_t panel = 0; panel < all; ++panel) {
        auto* const scales = reinterpret_cast<float*>(packed.data() + panel * panel_bytes);
        auto* const totals = reinterpret_cast<std::int32_t*>(scales + lanes);
        auto* const weights = reinterpret_cast<std::int8_t*>(totals + lanes);
        for (std::size_t i = 0; i < 4 * count * lanes; ++i) weights[i] = largest ? 127 : any();
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            scales[lane] = lane % 2 == 0 ? 1 : 4;
            totals[lane] = 0;
            const std::size_t at = panel * lanes + lane;
            // Whole numbers below 2⁸: with those of the sums a float holds them.
            start[at] = largest ? 0 : static_cast<float>(draw.below(200));
            const bool own = lane + wide >= lanes;
            const std::size_t aside = panel * wide + lane % wide;
            if (own) last[aside] = largest ? 0 : static_cast<float>(draw.below(200));
            std::int64_t sum = 0;
            for (std::size_t k = 0; k < x.size(); ++k) {
                const int weight = weights[((k / 4) * lanes + lane) * 4 + k % 4];
                totals[lane] += weight;
                sum += weight * x[k];
            }
            // Powers of two, so that nothing is rounded but the sum.
            const float product = static_cast<float>(sum) * scales[lane] / 8;
            expected[at] = (own ? last[aside] : start[at]) + product;
        }
    }
    const auto gate = static_cast<std::int64_t>(wide), panel = static_cast<std::int64_t>(lanes);
    products.of_gates[gates - 1](
        {x.data(), 0.125f, below},
        {packed.data(), static_cast<std::int64_t>(panel_bytes), words, panels},
        {{start.data(), gate, panel}, last.data()}, {found.data(), gate, panel});
    const std::string what = name + ": sums of " + std::to_string(gates) + " gates in " +
                             std::to_string(panels) + " panels over " + std::to_string(words) +
                             " words";
    bool same = true;
    for (std::size_t i = 0; i < expected.size(); ++i) same &= found[i] == expected[i];
    report.check(same, what + " are not exact");
    report.check(found.is_intact(), what + " wrote outside of the sums");
}

void check_products(Report& report) {
    const auto both = [&](int panels, int gates, std::int64_t words, bool largest) {
        const Isa& own = isa();
        check_sums(report, own.name, *own.integers, own.vector_bytes, panels, gates, words,
                   largest);
        check_sums(report, "offset", offset::integers, kOffsetBytes, panels, gates, words, largest);
    };
    for (int panels = 1; panels <= 3; ++panels) {
        for (int gates = 1; gates <= 4; ++gates) {
            for (const std::int64_t words : {0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 33, 128}) {
                both(panels, gates, words, false);
            }
        }
        both(panels, 1, 1 << 15, true);  // as many as a sum holds
    }
}

// A cell's first step, whose rows are the same in the reference.
void check_cell(Report& report, int cell, int index) {
    constexpr Shape kShapes[] = {
        {1, 1, 7, 33, 33}, {4, 1, 9, 5, 5}, {9, 1, 2, 17, 17}, {2, 1, 40, 65, 65}};
    Problem problem;
    problem.cell = cell;
    problem.shape = kShapes[index];
    if (cell == kLstm && index % 2 == 1) problem.shape.P = 11;
    problem.has_reset = index > 1;
    problem.has_restart = index > 2;
    problem.has_b_hh = index != 2;
    problem.in_integers = true;
    problem.seed = static_cast<std::uint64_t>(6000 + 10 * cell + index);
    const Inputs in = draw_inputs<float>(problem);
    const std::string what = "int8 weights, " + problem.name();
    Pass<float> pass(problem, in, Placing{});
    call_forward(isa().kernels->int8->cell[cell], problem, {&pass}, Plan{});
    // What the second product reads was rounded in its own way, and may be a whole number beside.
    const bool second = cell == kGruResetBefore || problem.projects();
    pass.compare(report, what, forward(problem, in), second ? 2e-2 : 2e-5);
    pass.check_intact(report, what);
}

// A sequence with every option: the same bits however it is shared, and of a row alone.
void check_shared(Report& report, int cell, int index) {
    constexpr Shape kShapes[] = {{5, 6, 7, 33, 33}, {1, 40, 3, 70, 70}, {13, 5, 40, 16, 16}};
    Problem problem;
    problem.cell = cell;
    problem.shape = kShapes[index];
    if (cell == kLstm && index == 1) problem.shape.P = 11;
    problem.has_lengths = problem.has_reset = problem.has_restart = true;
    problem.has_dropout = problem.has_hold = index == 2;
    problem.reverse = index == 1;
    problem.seed = static_cast<std::uint64_t>(7000 + 10 * cell + index);
    const Inputs in = draw_inputs<float>(problem);
    const std::string what = "int8 weights, " + problem.name();
    const ForwardKernels<float>& kernels = isa().kernels->int8->cell[cell];
    Pass<float> first(problem, in, Placing{});
    call_forward(kernels, problem, {&first}, Plan{});
    first.check_intact(report, what);
    for (const Plan& plan : {Plan{1, 2, false}, Plan{1, 3, true}}) {
        Pass<float> again(problem, in, Placing{});
        call_forward(kernels, problem, {&again}, plan);
        again.check_same(report, what, first, false);
        again.check_intact(report, what);
    }
    for (std::int64_t b = 0; b < problem.shape.B; ++b) {
        const Problem one = row_of(problem);
        Pass<float> alone(one, row_of(problem, in, b), Placing{});
        call_forward(kernels, one, {&alone}, Plan{});
        first.check_row(report, what, alone, b, false);
    }
}

// h = max(W_ih x + b + W_hh h, 0), with the roundings that integer_tile.h says: to the last bit,
// for as many steps as there are.
void check_bits_of_steps(Report& report) {
    constexpr std::int64_t T = 6, I = 37, H = 41;
    Problem problem;
    problem.cell = kRnnRelu;
    problem.shape = {1, T, I, H, H};
    problem.has_b_hh = false;
    problem.seed = 8000;
    const Inputs in = draw_inputs<float>(problem);
    Numbers h = in.initial[0], expected;
    const auto row = [](const Numbers& of, std::int64_t width, std::int64_t at) {
        return Numbers(of.begin() + at * width, of.begin() + (at + 1) * width);
    };
    for (std::int64_t t = 0; t < T; ++t) {
        const Whole x = whole(row(in.x, I, t), false), before = whole(h, false);
        for (std::int64_t j = 0; j < H; ++j) {
            const auto at = static_cast<std::size_t>(j);
            volatile float sum = static_cast<float>(in.b_ih[at]);
            sum = sum + product(whole(row(in.w_ih, I, j), true), x);
            sum = sum + product(whole(row(in.w_hh, H, j), true), before);
            h[at] = std::max(0.0f, static_cast<float>(sum));
        }
        expected.insert(expected.end(), h.begin(), h.end());
    }
    Pass<float> pass(problem, in, Placing{});
    call_forward(isa().kernels->int8->cell[kRnnRelu], problem, {&pass}, Plan{});
    const float* const found = pass.forward().h.data;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        report.check(found[i] == expected[i], "int8 weights: number " + std::to_string(i) +
                                                  " of six steps is off in its last bits");
    }
}

// A row of zeros adds nothing, nor does one that is all but that; one with NaN or infinity is NaN.
void check_odd_rows(Report& report) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const double cases[][2] = {
        {0, 0}, {0x1p-110, 0}, {std::nan(""), kInfinity}, {kInfinity, kInfinity}};
    for (const auto& [number, adds] : cases) {
        Problem problem;
        problem.cell = kRnnRelu;
        problem.shape = {1, 1, 19, 33, 33};
        Inputs in = draw_inputs<float>(problem);
        in.x.assign(in.x.size(), 0);
        in.x[17] = number;
        Inputs without = in;
        without.x[17] = 0;
        Pass<float> odd(problem, in, Placing{}), plain(problem, without, Placing{});
        call_forward(isa().kernels->int8->cell[kRnnRelu], problem, {&odd}, Plan{});
        call_forward(isa().kernels->int8->cell[kRnnRelu], problem, {&plain}, Plan{});
        for (int i = 0; i < 33; ++i) {
            const float found = odd.forward().h.data[i], expected = plain.forward().h.data[i];
            report.check(adds == 0 ? found == expected : found != found,
                         "int8 weights: of x with " + std::to_string(number) + " h is " +
                             std::to_string(found));
        }
    }
}

}  // namespace

void check_integers(Report& report, Effort) {
    check_products(report);
    check_bits_of_steps(report);
    check_odd_rows(report);
    for (int cell = 0; cell < kCellCount; ++cell) {
        for (int index = 0; index < 4; ++index) check_cell(report, cell, index);
        for (int index = 0; index < 3; ++index) check_shared(report, cell, index);
    }
}

}  // namespace gruta::checks
