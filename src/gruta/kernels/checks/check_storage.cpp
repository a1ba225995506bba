// Packed weights of 16 bits: rounded to nearest, ties to even, and then as good as float32.
#include <limits>
#include <utility>

#include "gruta/kernels/checks/pass.h"

namespace gruta::checks {

namespace {

struct Storage {
    const char* name;
    const SmallCells* Kernels::* cells;
    int mantissa_bits, least_exponent;
    double most;
};

constexpr Storage kStorages[] = {{"float16", &Kernels::float16, 10, -14, 65504},
                                 {"bfloat16", &Kernels::bfloat16, 7, -126, 0x1.fep127}};

double rounded(double value, const Storage& storage) {
    if (value == 0 || !std::isfinite(value)) return value;
    const int exponent = std::max(std::ilogb(value), storage.least_exponent);
    const double unit = std::ldexp(1.0, exponent - storage.mantissa_bits);
    const double near = std::nearbyint(value / unit) * unit;
    return std::abs(near) > storage.most
               ? std::copysign(std::numeric_limits<double>::infinity(), near)
               : near;
}

// Weights of every size, among them the ones that lie between two that can be stored.
Numbers awkward_weights(const Storage& storage, std::size_t count) {
    Draw draw(5);
    Numbers weights = {0,
                       0x1p-24,
                       0x1.8p-24,
                       0x1p-25,
                       0x1.000002p-25,
                       0x1p-14,
                       0x1.ff8p-15,
                       0x1.ffcp-15,
                       65504,
                       65519.996,
                       65520,
                       0x1.fffp15,
                       0x1.fffffep127,
                       0x1p-126,
                       0x1p-133,
                       0x1p-149,
                       1 + 0x1p-11,
                       1 + 0x3p-11,
                       1 + 0x1p-8,
                       1 + 0x3p-8,
                       std::numeric_limits<double>::infinity()};
    while (weights.size() < count) {
        const double value =
            std::ldexp(draw.between(1, 2), static_cast<int>(draw.below(276)) - 149);
        const auto near = static_cast<float>(draw.one_in(2) ? value : rounded(value, storage));
        weights.push_back(near);
    }
    return weights;
}

// h = max(w · 1, 0): what is stored comes out as it went in.
void check_rounding(Report& report, const Storage& storage) {
    Problem problem;
    problem.cell = kRnnRelu;
    problem.shape = {1, 1, 1, 3000, 3000};
    problem.has_b_ih = problem.has_b_hh = false;
    Inputs in = draw_inputs<float>(problem);
    in.x = {1};
    in.w_ih = awkward_weights(storage, 3000);
    in.w_hh.assign(in.w_hh.size(), 0);
    Trace expected;
    for (const double weight : in.w_ih) expected.h.push_back(rounded(weight, storage));
    Pass<float> pass(problem, in, Placing{});
    call_forward((isa().kernels->*storage.cells)->cell[kRnnRelu], problem, {&pass}, Plan{});
    const float* const found = pass.forward().h.data;
    for (std::size_t i = 0; i < expected.h.size(); ++i) {
        // A call may flush what is below the smallest normal number, see denormals.h.
        const bool flushed = found[i] == 0 && expected.h[i] < std::numeric_limits<float>::min();
        report.check(flushed || found[i] == expected.h[i],
                     std::string(storage.name) + " of " + std::to_string(in.w_ih[i]) + " is " +
                         std::to_string(expected.h[i]) + ", got " + std::to_string(found[i]));
    }
}

void check_cell(Report& report, const Storage& storage, int cell, int index) {
    constexpr Shape kShapes[] = {
        {1, 5, 7, 33, 33}, {4, 3, 9, 5, 5}, {9, 9, 2, 17, 17}, {2, 7, 40, 65, 65}};
    Problem problem;
    problem.cell = cell;
    problem.shape = kShapes[index];
    if (cell == kLstm && index % 2 == 1) problem.shape.P = 11;
    problem.has_lengths = index % 2 == 0;
    problem.has_reset = index > 1;
    problem.has_b_hh = index != 2;
    problem.seed = static_cast<std::uint64_t>(5000 + 10 * cell + index);
    const Inputs in = draw_inputs<float>(problem);
    Inputs stored = in;
    for (Numbers* const weights : {&stored.w_ih, &stored.w_hh, &stored.w_hr}) {
        for (double& weight : *weights) weight = rounded(weight, storage);
    }
    const Trace expected = forward(problem, stored);
    const std::string what = std::string(storage.name) + " weights, " + problem.name();
    const ForwardKernels<float>& kernels = (isa().kernels->*storage.cells)->cell[cell];
    Pass<float> first(problem, in, Placing{});
    call_forward(kernels, problem, {&first}, Plan{});
    first.compare(report, what, expected, 2e-5);
    first.check_intact(report, what);
    for (const Plan& plan : {Plan{1, 2, false}, Plan{1, 3, true}}) {
        Pass<float> again(problem, in, Placing{});
        call_forward(kernels, problem, {&again}, plan);
        again.check_same(report, what, first, false);
    }
}

}  // namespace

// Of weights alone: rows that the matrix unit rounds are checked in check_matrix.cpp.
void check_storage(Report& report, Effort) {
    const MatrixProducts* const own = std::exchange(matrix_products, nullptr);
    for (const Storage& storage : kStorages) {
        check_rounding(report, storage);
        for (int cell = 0; cell < kCellCount; ++cell) {
            for (int index = 0; index < 4; ++index) check_cell(report, storage, cell, index);
        }
    }
    matrix_products = own;
}

}  // namespace gruta::checks
