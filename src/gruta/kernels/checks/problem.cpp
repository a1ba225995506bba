#include "gruta/kernels/checks/problem.h"

#include <limits>

namespace gruta::checks {

namespace {

template <class Real>
Numbers draw(Draw& draw, std::int64_t count, double most) {
    Numbers numbers(static_cast<std::size_t>(count));
    for (double& number : numbers) number = static_cast<Real>(draw.between(-most, most));
    return numbers;
}

Bytes draw_mask(Draw& draw, std::int64_t count, std::int64_t one_in) {
    Bytes mask(static_cast<std::size_t>(count));
    for (std::uint8_t& byte : mask) byte = draw.one_in(one_in) ? (draw.one_in(2) ? 1 : 255) : 0;
    return mask;
}

// [T, B, width], NaN where the row rests.
template <class Real>
Numbers draw_steps(Draw& source, const Inputs& in, const Shape& shape, std::int64_t width,
                   bool same) {
    const Numbers drawn = draw<Real>(source, shape.T * shape.B * width, 1);
    Numbers numbers = drawn;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const auto k = static_cast<std::int64_t>(i) / width;
        if (same) numbers[i] = drawn[i % static_cast<std::size_t>(width)];
        if (!is_active(in, k / shape.B, k % shape.B)) {
            numbers[i] = std::numeric_limits<double>::quiet_NaN();
        }
    }
    return numbers;
}

}  // namespace

std::string Problem::name() const {
    const auto number = [](std::int64_t value) { return std::to_string(value); };
    std::string text = kCellNames[cell];
    text += " B=" + number(shape.B) + " T=" + number(shape.T) + " I=" + number(shape.I) +
            " H=" + number(shape.H) + " P=" + number(shape.P);
    text += has_lengths ? " lengths" : "";
    text += reverse ? " reverse" : "";
    text += has_reset ? " reset" : "";
    text += has_restart ? " restart" : "";
    text += has_dropout ? " dropout" : "";
    text += has_hold ? " hold" : "";
    text += held != 0 ? " held" : "";
    text += has_b_ih ? "" : " no b_ih";
    text += has_b_hh ? "" : " no b_hh";
    text += shape.normed ? " norm" : "";
    text += shape.halved ? " halved" : "";
    return text + " seed " + std::to_string(seed);
}

template <class Real>
Inputs draw_inputs(const Problem& problem, bool same_x, bool same_dh) {
    const auto& [B, T, I, H, P, normed, halved] = problem.shape;
    const std::int64_t rows = gates_of(problem.cell) * H;
    const std::int64_t sizes[] = {P, H};
    const double spread = 1.5 / std::sqrt(static_cast<double>(P));
    Draw source(problem.seed);
    Inputs in;
    if (problem.has_lengths) {
        for (std::int64_t b = 0; b < B; ++b) in.lengths.push_back(source.below(T + 1));
    }
    in.x = draw_steps<Real>(source, in, problem.shape, I, same_x);
    in.dh = draw_steps<Real>(source, in, problem.shape, P, same_dh);
    in.w_ih = draw<Real>(source, rows * I, 1.5 / std::sqrt(static_cast<double>(I)));
    in.w_hh = draw<Real>(source, rows * P, spread);
    if (problem.has_b_ih) in.b_ih = draw<Real>(source, rows, 1);
    if (problem.has_b_hh) in.b_hh = draw<Real>(source, rows, 1);
    if (problem.projects()) {
        in.w_hr = draw<Real>(source, P * H, 1.5 / std::sqrt(static_cast<double>(H)));
    }
    for (Numbers& part : in.norm) {
        if (normed) part = draw<Real>(source, rows, 1.5);
    }
    if (problem.has_reset) in.reset = draw_mask(source, T * B, 4);
    if (problem.has_dropout) {
        in.dropout = draw<Real>(source, B * P, 2);
        for (double& factor : in.dropout) factor = source.one_in(3) ? 0 : factor;
    }
    for (int s = 0; s < states_of(problem.cell); ++s) {
        in.initial[s] = draw<Real>(source, B * sizes[s], 1);
        in.d_final[s] = draw<Real>(source, B * sizes[s], 1);
        if (problem.has_restart) in.restart[s] = draw<Real>(source, sizes[s], 1);
        if (problem.has_hold) in.hold[s] = draw_mask(source, T * B * sizes[s], 3);
    }
    return in;
}

template Inputs draw_inputs<float>(const Problem&, bool, bool);
template Inputs draw_inputs<double>(const Problem&, bool, bool);

}  // namespace gruta::checks
