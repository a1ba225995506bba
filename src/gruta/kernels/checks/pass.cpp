#include "gruta/kernels/checks/pass.h"

#include <algorithm>

namespace gruta::checks {

namespace {

template <class To, class From>
Array<To> placed(const std::vector<From>& numbers, std::size_t shift) {
    if (numbers.empty()) return {};
    Array<To> array(numbers.size(), shift);
    for (std::size_t i = 0; i < numbers.size(); ++i) array[i] = static_cast<To>(numbers[i]);
    return array;
}

template <class To, class From>
Cube<To> placed(const std::vector<From>& numbers, const Shape& shape, std::int64_t width,
                Order order, std::size_t shift) {
    Cube<To> cube(shape.T, shape.B, width, order, shift);
    // Broadcast items are written many times, the ones of rows that rest among them: NaN loses.
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        if (order != Order::broadcast || numbers[i] == numbers[i]) {
            cube[i] = static_cast<To>(numbers[i]);
        }
    }
    return cube;
}

template <class Items>
auto compare_with(Report& report, const std::string& what, const Items& found,
                  const Numbers& expected, double tolerance) {
    if (!report.check(found.size() == expected.size(), what + ": sizes differ")) return 0.0;
    double most = 1, worst = 0;
    for (const double number : expected) most = std::max(most, std::abs(number));
    std::size_t where = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const double miss = std::abs(static_cast<double>(found[i]) - expected[i]) / most;
        if (!(miss <= worst)) worst = miss, where = i;
        if (miss != miss) break;
    }
    const auto at = [&](double number) { return std::to_string(number); };
    report.check(worst <= tolerance, worst <= tolerance
                                         ? ""
                                         : what + "[" + std::to_string(where) + "]: expected " +
                                               at(expected[where]) + ", got " +
                                               at(static_cast<double>(found[where])) + ", off by " +
                                               at(worst / tolerance) + " of what is allowed");
    return worst / tolerance;
}

// Whether what is saved is in the kernels' own order, which the reference has not.
bool only_kernels_know(const Problem& problem) {
    return problem.shape.normed || problem.shape.halved;
}

template <class T>
std::vector<T> rows_of(const std::vector<T>& numbers, std::int64_t steps, std::int64_t rows,
                       std::int64_t b) {
    if (numbers.empty()) return {};
    std::vector<T> found;
    const std::int64_t width = static_cast<std::int64_t>(numbers.size()) / (steps * rows);
    for (std::int64_t t = 0; t < steps; ++t) {
        const auto first = numbers.begin() + (t * rows + b) * width;
        found.insert(found.end(), first, first + width);
    }
    return found;
}

}  // namespace

template <class Real>
Pass<Real>::Pass(const Problem& problem, const Inputs& in, const Placing& placing)
    : problem_(problem), placing_(placing) {
    const Shape& shape = problem.shape;
    const std::size_t shift = placing.shift;
    lengths_ = placed<std::int64_t>(in.lengths, 0);
    x_ = placed<Real>(in.x, shape, shape.I, placing.x, shift);
    h_ = Cube<Real>(shape.T, shape.B, shape.P, placing.h, shift);
    const std::int64_t saved = isa().kernels->of<Real>(problem.cell).saved_size(shape);
    if (!leaves_out(kGates) && saved > 0) {
        gates_ = Cube<Real>(shape.T, shape.B, saved, Order::dense, shift);
    }
    const bool strided = placing.x != Order::dense;
    if (problem.has_reset) {
        reset_ =
            placed<std::uint8_t>(in.reset, shape, 1, strided ? Order::padded : Order::dense, shift);
    }
    dropout_ = placed<Real>(in.dropout, shift);
    for (int s = 0; s < states_of(problem.cell); ++s) {
        const std::int64_t size = s == 0 ? shape.P : shape.H;
        initial_[s] = placed<Real>(in.initial[s], shift);
        restart_[s] = placed<Real>(in.restart[s], shift);
        hold_[s] = placed<std::uint8_t>(in.hold[s], shift);
        if (!leaves_out(kDHFinal + s)) d_final_[s] = placed<Real>(in.d_final[s], shift);
        final_[s] = Reals(static_cast<std::size_t>(shape.B * size), shift);
    }
    w_ih_ = placed<Real>(in.w_ih, shift);
    w_hh_ = placed<Real>(in.w_hh, shift);
    b_ih_ = placed<Real>(in.b_ih, shift);
    b_hh_ = placed<Real>(in.b_hh, shift);
    w_hr_ = placed<Real>(in.w_hr, shift);
    for (int i = 0; i < kNormParts; ++i) norm_[i] = placed<Real>(in.norm[i], shift);
    if (!leaves_out(kDh)) dh_ = placed<Real>(in.dh, shape, shape.P, placing.dh, shift);
    place_gradients(shape);
}

template <class Real>
void Pass<Real>::place_gradients(const Shape& shape) {
    const std::size_t shift = placing_.shift;
    const auto array = [&](int bit, std::int64_t count) {
        return leaves_out(bit) ? Reals() : Reals(static_cast<std::size_t>(count), shift);
    };
    const auto cube = [&](int bit, std::int64_t width) {
        return leaves_out(bit) ? Cube<Real>()
                               : Cube<Real>(shape.T, shape.B, width, placing_.gradients, shift);
    };
    const std::int64_t rows = gates_of(problem_.cell) * shape.H;
    dx_ = cube(kDx, shape.I);
    for (int s = 0; s < states_of(problem_.cell); ++s) {
        const std::int64_t size = s == 0 ? shape.P : shape.H;
        d_initial_[s] = array(kDHInitial + s, shape.B * size);
        d_restart_[s] = array(kDHRestart + s, size);
        through_[s] = cube(kThroughH + s, size);
    }
    dw_ih_ = array(kDwIh, rows * shape.I);
    dw_hh_ = array(kDwHh, rows * shape.P);
    db_ih_ = array(kDbIh, rows);
    db_hh_ = array(kDbHh, rows);
    if (problem_.projects()) dw_hr_ = array(kDwHr, shape.P * shape.H);
    for (int i = 0; i < kNormParts && shape.normed; ++i) d_norm_[i] = array(kDNorm + i, rows);
}

template <class Real>
Weights<Real> Pass<Real>::weights() const {
    return {w_ih_.data(), w_hh_.data(),
            b_ih_.data(), b_hh_.data(),
            w_hr_.data(), {norm_[0].data(), norm_[1].data(), norm_[2].data(), norm_[3].data()}};
}

template <class Real>
Forward<Real> Pass<Real>::forward() const {
    Forward<Real> pass = {};
    Walk<Real>& walk = pass.walk;
    walk.lengths = lengths_.data();
    walk.reverse = problem_.reverse;
    walk.reset = reset_.const_view();
    walk.dropout = dropout_.data();
    walk.held = static_cast<Real>(problem_.held);
    pass.x = x_.const_view();
    pass.h = h_.view();
    pass.gates = gates_.view().data;
    for (int s = 0; s < states_of(problem_.cell); ++s) {
        walk.restart[s] = restart_[s].data();
        walk.hold[s] = hold_[s].data();
        pass.initial[s] = placing_.final_is_initial ? final_[s].data() : initial_[s].data();
        pass.final[s] = final_[s].data();
    }
    return pass;
}

template <class Real>
Backward<Real> Pass<Real>::backward() const {
    Backward<Real> back = {};
    back.pass = forward();
    back.dh = dh_.const_view();
    back.dx = dx_.view();
    for (int s = 0; s < states_of(problem_.cell); ++s) {
        back.pass.initial[s] = initial_[s].data();
        back.d_final[s] = d_final_[s].data();
        back.d_initial[s] = d_initial_[s].data();
        back.d_restart[s] = d_restart_[s].data();
        back.through[s] = through_[s].view();
    }
    back.dw_ih = dw_ih_.data();
    back.dw_hh = dw_hh_.data();
    back.db_ih = db_ih_.data();
    back.db_hh = db_hh_.data();
    back.dw_hr = dw_hr_.data();
    for (int i = 0; i < kNormParts; ++i) back.d_norm[i] = d_norm_[i].data();
    return back;
}

template <class Real>
void Pass<Real>::take(const Trace& trace) {
    for (std::size_t i = 0; i < trace.h.size(); ++i) h_[i] = static_cast<Real>(trace.h[i]);
    for (std::size_t i = 0; i < trace.gates.size() && !only_kernels_know(problem_); ++i) {
        gates_[i] = static_cast<Real>(trace.gates[i]);
    }
    for (int s = 0; s < states_of(problem_.cell); ++s) {
        for (std::size_t i = 0; i < final_[s].size(); ++i) {
            final_[s][i] = static_cast<Real>(trace.final[s][i]);
        }
    }
}

template <class Real>
template <class F>
void Pass<Real>::each_output(bool back, const F& f) const {
    static constexpr const char* kFinal[] = {"h_n", "c_n"};
    static constexpr const char* kInitial[] = {"d_initial h", "d_initial c"};
    static constexpr const char* kRestart[] = {"d_restart h", "d_restart c"};
    static constexpr const char* kThrough[] = {"through h", "through c"};
    static constexpr const char* kNorm[] = {"d_gain of x", "d_bias of x", "d_gain of h",
                                            "d_bias of h"};
    const int states = states_of(problem_.cell);
    if (!back) {
        f("h", h_);
        f("gates", gates_);
        for (int s = 0; s < states; ++s) f(kFinal[s], final_[s]);
        return;
    }
    f("dx", dx_);
    for (int s = 0; s < states; ++s) {
        f(kInitial[s], d_initial_[s]);
        f(kRestart[s], d_restart_[s]);
        f(kThrough[s], through_[s]);
    }
    f("dw_ih", dw_ih_);
    f("dw_hh", dw_hh_);
    f("db_ih", db_ih_);
    f("db_hh", db_hh_);
    f("dw_hr", dw_hr_);
    for (int i = 0; i < kNormParts; ++i) f(kNorm[i], d_norm_[i]);
}

template <class Real>
void Pass<Real>::poison_outputs(bool back) {
    each_output(back, [](const char*, const auto& output) { output.poison(); });
    if (back || !placing_.final_is_initial) return;
    for (int s = 0; s < states_of(problem_.cell); ++s) {
        for (std::size_t i = 0; i < final_[s].size(); ++i) final_[s][i] = initial_[s][i];
    }
}

template <class Real>
double Pass<Real>::compare(Report& report, const std::string& what, const Trace& expected,
                           double tolerance) const {
    double worst = 0;
    const auto one = [&](const char* name, const auto& found, const Numbers& numbers) {
        worst = std::max(worst, compare_with(report, what + " " + name, found, numbers, tolerance));
    };
    one("h", h_, expected.h);
    one("h_n", final_[0], expected.final[0]);
    if (has_c()) one("c_n", final_[1], expected.final[1]);
    if (gates_.exists() && saved_of(problem_.cell) > 0 && !is_halved()) {
        one("gates", gates(), expected.gates);
    }
    return worst;
}

template <class Real>
double Pass<Real>::compare(Report& report, const std::string& what, const Gradients& expected,
                           double tolerance) const {
    double worst = 0;
    const auto one = [&](const char* name, const auto& found, const Numbers& numbers) {
        if (found.size() == 0) return;  // left out, or empty
        worst = std::max(worst, compare_with(report, what + " " + name, found, numbers, tolerance));
    };
    one("dx", dx_, expected.dx);
    one("dh_0", d_initial_[0], expected.d_initial[0]);
    one("dc_0", d_initial_[1], expected.d_initial[1]);
    one("d_restart h", d_restart_[0], expected.d_restart[0]);
    one("d_restart c", d_restart_[1], expected.d_restart[1]);
    one("dw_ih", dw_ih_, expected.dw_ih);
    one("dw_hh", dw_hh_, expected.dw_hh);
    one("db_ih", db_ih_, expected.db_ih);
    one("db_hh", db_hh_, expected.db_hh);
    one("dw_hr", dw_hr_, expected.dw_hr);
    for (int i = 0; i < kNormParts; ++i) one("d_norm", d_norm_[i], expected.d_norm[i]);
    one("through h", through_[0], expected.through[0]);
    one("through c", through_[1], expected.through[1]);
    return worst;
}

template <class Real>
std::vector<Real> Pass<Real>::gates() const {
    const auto width = static_cast<std::size_t>(gates_.width());
    const auto size = static_cast<std::size_t>(saved_of(problem_.cell) * problem_.shape.H);
    std::vector<Real> found;
    for (std::size_t i = 0; i < gates_.size(); ++i) {
        if (i % width < size) found.push_back(gates_[i]);
    }
    return found;
}

template <class Real>
void Pass<Real>::check_intact(Report& report, const std::string& what) const {
    for (const bool back : {false, true}) {
        each_output(back, [&](const char* name, const auto& output) {
            report.check(output.is_intact(), what + " wrote outside of " + name);
        });
    }
}

template <class Real>
void Pass<Real>::check_same(Report& report, const std::string& what, const Pass& other,
                            bool back) const {
    std::vector<std::vector<Real>> found;
    each_output(back, [&](const char*, const auto& output) {
        auto& numbers = found.emplace_back();
        for (std::size_t i = 0; i < output.size(); ++i) numbers.push_back(output[i]);
    });
    std::size_t index = 0;
    other.each_output(back, [&](const char* name, const auto& output) {
        const std::vector<Real>& numbers = found[index++];
        bool same = numbers.size() == output.size();
        for (std::size_t i = 0; same && i < numbers.size(); ++i) {
            same = std::memcmp(&numbers[i], &output[i], sizeof(Real)) == 0;
        }
        report.check(same, what + ": other bits in " + name);
    });
}

template <class Real>
void Pass<Real>::check_row(Report& report, const std::string& what, const Pass& alone,
                           std::int64_t b, bool back) const {
    const auto one = [&](const char* name, const Cube<Real>& batch, const Cube<Real>& single) {
        bool same = true;
        for (std::int64_t t = 0; t < batch.steps(); ++t) {
            same &= std::memcmp(&batch.at(t, b, 0), &single.at(t, 0, 0),
                                static_cast<std::size_t>(batch.width()) * sizeof(Real)) == 0;
        }
        report.check(same,
                     what + ": row " + std::to_string(b) + " alone has other bits in " + name);
    };
    if (back) {
        one("dx", dx_, alone.dx_);
        one("through h", through_[0], alone.through_[0]);
        if (has_c()) one("through c", through_[1], alone.through_[1]);
    } else {
        one("h", h_, alone.h_);
        if (gates_.exists()) one("gates", gates_, alone.gates_);
    }
}

Inputs without(const Inputs& in, std::uint64_t left_out) {
    Inputs given = in;
    const auto clear = [&](int bit, Numbers& numbers) {
        if (left_out >> bit & 1) numbers.assign(numbers.size(), 0);
    };
    clear(kDh, given.dh);
    clear(kDHFinal, given.d_final[0]);
    clear(kDCFinal, given.d_final[1]);
    return given;
}

Problem row_of(const Problem& problem) {
    Problem alone = problem;
    alone.shape.B = 1;
    return alone;
}

Inputs row_of(const Problem& problem, const Inputs& in, std::int64_t b) {
    const std::int64_t T = problem.shape.T, B = problem.shape.B;
    Inputs row = in;
    row.lengths = rows_of(in.lengths, 1, B, b);
    row.x = rows_of(in.x, T, B, b);
    row.dh = rows_of(in.dh, T, B, b);
    row.dropout = rows_of(in.dropout, 1, B, b);
    row.reset = rows_of(in.reset, T, B, b);
    for (int s = 0; s < kMostStates; ++s) {
        row.initial[s] = rows_of(in.initial[s], 1, B, b);
        row.d_final[s] = rows_of(in.d_final[s], 1, B, b);
        row.hold[s] = rows_of(in.hold[s], T, B, b);
    }
    return row;
}

Trace row_of(const Problem& problem, const Trace& trace, std::int64_t b) {
    const std::int64_t T = problem.shape.T, B = problem.shape.B;
    Trace row;
    row.h = rows_of(trace.h, T, B, b);
    row.gates = rows_of(trace.gates, T, B, b);
    for (int s = 0; s < kMostStates; ++s) row.final[s] = rows_of(trace.final[s], 1, B, b);
    return row;
}

template <class Real>
void call_forward(const ForwardKernels<Real>& kernels, const Problem& problem,
                  const std::vector<Pass<Real>*>& passes, const Plan& plan) {
    std::vector<Memory> packed;
    std::vector<const void*> addresses;
    std::vector<Forward<Real>> calls;
    for (Pass<Real>* const pass : passes) {
        pass->poison_outputs(false);
        packed.push_back(pack(kernels, problem.shape, pass->weights()));
        addresses.push_back(packed.back().data());
        calls.push_back(pass->forward());
    }
    run_forward(kernels, problem.shape, addresses, calls, plan);
}

template <class Real>
void call_backward(const CellKernels<Real>& kernels, const Problem& problem,
                   const std::vector<Pass<Real>*>& passes, const std::vector<const Trace*>& traces,
                   const Plan& plan) {
    std::vector<Memory> packed;
    std::vector<const void*> addresses;
    std::vector<Backward<Real>> calls;
    if (only_kernels_know(problem)) {
        call_forward(kernels.forward, problem, passes, plan);
    } else {
        for (std::size_t i = 0; i < passes.size(); ++i) passes[i]->take(*traces[i]);
    }
    for (Pass<Real>* const pass : passes) {
        pass->poison_outputs(true);
        packed.push_back(pack(kernels.backward, problem.shape, pass->weights()));
        addresses.push_back(packed.back().data());
        calls.push_back(pass->backward());
    }
    run_backward(kernels.backward, problem.shape, addresses, calls, plan);
}

template class Pass<float>;
template class Pass<double>;
template void call_forward(const ForwardKernels<float>&, const Problem&,
                           const std::vector<Pass<float>*>&, const Plan&);
template void call_forward(const ForwardKernels<double>&, const Problem&,
                           const std::vector<Pass<double>*>&, const Plan&);
template void call_backward(const CellKernels<float>&, const Problem&,
                            const std::vector<Pass<float>*>&, const std::vector<const Trace*>&,
                            const Plan&);
template void call_backward(const CellKernels<double>&, const Problem&,
                            const std::vector<Pass<double>*>&, const std::vector<const Trace*>&,
                            const Plan&);

}  // namespace gruta::checks
