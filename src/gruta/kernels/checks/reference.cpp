#include "gruta/kernels/checks/reference.h"

#include <algorithm>

#include "gruta/kernels/checks/whole.h"

namespace gruta::checks {

namespace {

using Index = std::int64_t;

double sigmoid(double a) {
    return 1 / (1 + std::exp(-a));
}

double& item(Numbers& numbers, Index i) {
    return numbers[static_cast<std::size_t>(i)];
}
double item(const Numbers& numbers, Index i) {
    return numbers[static_cast<std::size_t>(i)];
}
double item_or(const Numbers& numbers, Index i, double otherwise) {
    return numbers.empty() ? otherwise : item(numbers, i);
}
bool is_set(const Bytes& mask, Index i) {
    return !mask.empty() && mask[static_cast<std::size_t>(i)] != 0;
}

// Row `row` of a matrix [., K] times a vector.
double dot(const Numbers& matrix, Index row, const Numbers& vector) {
    const auto K = static_cast<Index>(vector.size());
    double sum = 0;
    for (Index k = 0; k < K; ++k) sum += item(matrix, row * K + k) * item(vector, k);
    return sum;
}

// to += the transposed rows [first, first + d.size()) of a matrix [., to.size()] times d.
void add_back(const Numbers& matrix, Index first, const Numbers& d, Numbers& to) {
    const auto K = static_cast<Index>(to.size());
    for (Index j = 0; j < static_cast<Index>(d.size()); ++j) {
        for (Index k = 0; k < K; ++k) {
            item(to, k) += item(matrix, (first + j) * K + k) * item(d, j);
        }
    }
}

// The rows [first, first + d.size()) of a gradient [., v.size()] += d vᵀ.
void add_outer(const Numbers& d, const Numbers& v, Index first, Numbers& to) {
    const auto K = static_cast<Index>(v.size());
    for (Index j = 0; j < static_cast<Index>(d.size()); ++j) {
        for (Index k = 0; k < K; ++k) {
            item(to, (first + j) * K + k) += item(d, j) * item(v, k);
        }
    }
}

Numbers zeros(Index count) {
    return Numbers(static_cast<std::size_t>(count));
}

Numbers part(const Numbers& of, Index first, Index count) {
    return {of.begin() + first, of.begin() + first + count};
}

void put(const Numbers& from, Index first, Numbers& to) {
    for (std::size_t i = 0; i < from.size(); ++i) to[static_cast<std::size_t>(first) + i] = from[i];
}

// Puts (p − mean) / σ in place of p, and returns σ.
double standardise(Numbers& p) {
    const auto size = static_cast<double>(p.size());
    double mean = 0, variance = 0;
    for (const double number : p) mean += number / size;
    for (const double number : p) variance += (number - mean) * (number - mean) / size;
    const double sigma = std::sqrt(variance + 1e-5);
    for (double& number : p) number = (number - mean) / sigma;
    return sigma;
}

// One layer, and where its numbers lie.
struct Layer {
    const Problem& problem;
    const Inputs& in;
    Index B, T, I, H, P;
    int cell, states, saved;

    Layer(const Problem& problem, const Inputs& in)
        : problem(problem),
          in(in),
          B(problem.shape.B),
          T(problem.shape.T),
          I(problem.shape.I),
          H(problem.shape.H),
          P(problem.shape.P),
          cell(problem.cell),
          states(states_of(problem.cell)),
          saved(saved_of(problem.cell)) {}

    Index size(int state) const { return state == 0 ? P : H; }
    Index time(Index step) const { return problem.reverse ? T - 1 - step : step; }
    Index place(Index t, Index b) const { return t * B + b; }
    bool resets(Index t, Index b) const { return is_set(in.reset, place(t, b)); }
    double kept(int state, Index t, Index b, Index k) const {
        if (in.hold[state].empty()) return problem.held;
        return is_set(in.hold[state], place(t, b) * size(state) + k) ? 1 : 0;
    }
    // Row `row` of a matrix of weights times a vector.
    double times(const Numbers& matrix, Index row, const Numbers& vector) const {
        if (!problem.in_integers) return dot(matrix, row, vector);
        const auto K = static_cast<Index>(vector.size());
        return product(whole(part(matrix, row * K, K), true), whole(vector, false));
    }

    Numbers x(Index t, Index b) const { return part(in.x, place(t, b) * I, I); }
    Numbers dropped(const Numbers& h, Index b) const {
        Numbers u = h;
        for (Index k = 0; k < P; ++k) item(u, k) *= item_or(in.dropout, b * P + k, 1);
        return u;
    }

    // What enters gate g of every unit, from the side of x and from that of h.
    Numbers from_x(int g, const Numbers& x) const { return from(in.w_ih, in.b_ih, 0, g, x); }
    Numbers from_h(int g, const Numbers& u) const { return from(in.w_hh, in.b_hh, 2, g, u); }

    // `norm`: which of the norm's parts is the gain.
    Numbers from(const Numbers& w, const Numbers& bias, int norm, int g, const Numbers& v) const {
        Numbers a = zeros(H);
        for (Index j = 0; j < H; ++j) item(a, j) = times(w, g * H + j, v);
        if (problem.shape.normed) standardise(a);
        for (Index j = 0; j < H; ++j) {
            const Index k = g * H + j;
            item(a, j) = item(a, j) * item_or(in.norm[norm], k, 1) +
                         item_or(in.norm[norm + 1], k, 0) + item_or(bias, k, 0);
        }
        return a;
    }

    // Puts ∂L/∂(W v) of gate g in place of d, ∂L/∂LN(W v), and adds to the gradients of the norm.
    void back(const Numbers& w, int norm, int g, const Numbers& v, Numbers& d,
              Numbers (&d_norm)[kNormParts]) const {
        if (!problem.shape.normed) return;
        Numbers p_hat = zeros(H);
        for (Index j = 0; j < H; ++j) item(p_hat, j) = dot(w, g * H + j, v);
        const double sigma = standardise(p_hat);
        double mean = 0, along = 0;
        for (Index j = 0; j < H; ++j) {
            item(d_norm[norm], g * H + j) += item(d, j) * item(p_hat, j);
            item(d_norm[norm + 1], g * H + j) += item(d, j);
            item(d, j) *= item(in.norm[norm], g * H + j);
            mean += item(d, j) / static_cast<double>(H);
            along += item(d, j) * item(p_hat, j) / static_cast<double>(H);
        }
        for (Index j = 0; j < H; ++j) {
            item(d, j) = (item(d, j) - mean - item(p_hat, j) * along) / sigma;
        }
    }
};

// A step's numbers: the new states before holding, and the slots that are saved.
struct Made {
    Numbers fresh[kMostStates], gates, made;
};

Made step_gru(const Layer& layer, const Numbers& x, const Numbers& h, const Numbers& u) {
    const Index H = layer.H;
    const bool after = layer.cell == kGru;
    Made step = {{zeros(H), {}}, zeros(4 * H), zeros(H)};
    Numbers reset_u = u, x_side[3], h_side[3];
    for (int g = 0; g < 3; ++g) x_side[g] = layer.from_x(g, x);
    for (int g = 0; g < 2; ++g) h_side[g] = layer.from_h(g, u);
    for (Index j = 0; j < H; ++j) {
        const double r = sigmoid(item(x_side[0], j) + item(h_side[0], j));
        item(step.gates, j) = r;
        item(reset_u, j) *= r;
    }
    h_side[2] = layer.from_h(2, after ? u : reset_u);
    for (Index j = 0; j < H; ++j) {
        const double r = item(step.gates, j);
        const double z = sigmoid(item(x_side[1], j) + item(h_side[1], j));
        const double q = item(h_side[2], j);
        const double n = std::tanh(item(x_side[2], j) + (after ? r * q : q));
        item(step.gates, H + j) = z;
        item(step.gates, 2 * H + j) = n;
        item(step.gates, 3 * H + j) = q;
        item(step.fresh[0], j) = (1 - z) * n + z * item(h, j);
    }
    return step;
}

Made step_lstm(const Layer& layer, const Numbers& x, const Numbers& u, const Numbers& c) {
    const Index H = layer.H, P = layer.P;
    Made step = {{zeros(P), zeros(H)}, zeros(5 * H), zeros(H)};
    Numbers x_side[4], h_side[4];
    for (int g = 0; g < 4; ++g) {
        x_side[g] = layer.from_x(g, x);
        h_side[g] = layer.from_h(g, u);
    }
    for (Index j = 0; j < H; ++j) {
        double a[4];
        for (int g = 0; g < 4; ++g) a[g] = item(x_side[g], j) + item(h_side[g], j);
        const double in = sigmoid(a[0]), forget = sigmoid(a[1]), g = std::tanh(a[2]);
        const double out = sigmoid(a[3]), fresh = forget * item(c, j) + in * g;
        const double gates[] = {in, forget, g, out};
        for (int slot = 0; slot < 4; ++slot) item(step.gates, slot * H + j) = gates[slot];
        item(step.fresh[1], j) = fresh;
        item(step.made, j) = out * std::tanh(fresh);
    }
    if (!layer.problem.projects()) {
        step.fresh[0] = step.made;
    } else {
        for (Index p = 0; p < P; ++p)
            item(step.fresh[0], p) = layer.times(layer.in.w_hr, p, step.made);
    }
    return step;
}

Made step_rnn(const Layer& layer, const Numbers& x, const Numbers& u) {
    Made step = {{zeros(layer.H), {}}, {}, zeros(layer.H)};
    const Numbers x_side = layer.from_x(0, x), h_side = layer.from_h(0, u);
    for (Index j = 0; j < layer.H; ++j) {
        const double a = item(x_side, j) + item(h_side, j);
        item(step.made, j) = layer.cell == kRnnTanh ? std::tanh(a) : a > 0 ? a : 0;
    }
    step.fresh[0] = step.made;
    return step;
}

Made step(const Layer& layer, const Numbers& x, const Numbers& h, const Numbers& u,
          const Numbers& c) {
    if (layer.cell <= kGruResetBefore) return step_gru(layer, x, h, u);
    if (layer.cell == kLstm) return step_lstm(layer, x, u, c);
    return step_rnn(layer, x, u);
}

void forward_row(const Layer& layer, Index b, Trace& trace) {
    Numbers state[kMostStates];
    for (int s = 0; s < layer.states; ++s) {
        state[s] = part(layer.in.initial[s], b * layer.size(s), layer.size(s));
    }
    for (Index i = 0; i < layer.T; ++i) {
        const Index t = layer.time(i), place = layer.place(t, b);
        if (!is_active(layer.in, t, b)) continue;
        for (int s = 0; s < layer.states; ++s) {
            if (layer.resets(t, b)) {
                state[s] = layer.in.restart[s];
                state[s].resize(static_cast<std::size_t>(layer.size(s)));
            }
            put(state[s], place * layer.size(s), trace.before[s]);
        }
        const Numbers u = layer.dropped(state[0], b);
        Made made = step(layer, layer.x(t, b), state[0], u, state[1]);
        for (int s = 0; s < layer.states; ++s) {
            for (Index k = 0; k < layer.size(s); ++k) {
                const double kept = layer.kept(s, t, b, k);
                item(state[s], k) = kept * item(state[s], k) + (1 - kept) * item(made.fresh[s], k);
            }
        }
        if (layer.cell == kLstm) put(state[1], 4 * layer.H, made.gates);
        put(state[0], place * layer.P, trace.h);
        put(made.gates, place * layer.saved * layer.H, trace.gates);
        put(made.made, place * layer.H, trace.made);
    }
    for (int s = 0; s < layer.states; ++s) put(state[s], b * layer.size(s), trace.final[s]);
}

// What goes back through one step: the gradients of the sums on the side of x and on that of h.
struct Sums {
    Numbers x, h;
};

// One row on its way back, between two steps.
struct Carried {
    Numbers d[kMostStates];
};

// What the sums of some gates send back through W_hh, and what they add to its gradient.
void add_hidden(const Layer& layer, std::initializer_list<int> gates, const Numbers& da,
                const Numbers& u, Numbers& du, Gradients& to) {
    for (const int g : gates) {
        Numbers dp = part(da, g * layer.H, layer.H);
        layer.back(layer.in.w_hh, 2, g, u, dp, to.d_norm);
        add_back(layer.in.w_hh, g * layer.H, dp, du);
        add_outer(dp, u, g * layer.H, to.dw_hh);
    }
}

// Gradients of the gates' sums of a GRU, and d of the states before, past W_hh alone.
Sums back_gru(const Layer& layer, const Numbers& gates, const Numbers& h, const Numbers& u,
              const Numbers& d, Numbers& dh, Numbers& du, Gradients& to) {
    const Index H = layer.H;
    const bool after = layer.cell == kGru;
    Sums da = {zeros(3 * H), zeros(3 * H)};
    Numbers dq = zeros(H), reset_u = u;
    for (Index j = 0; j < H; ++j) {
        const double r = item(gates, j), z = item(gates, H + j), n = item(gates, 2 * H + j);
        const double da_n = item(d, j) * (1 - z) * (1 - n * n);
        item(da.x, 2 * H + j) = da_n;
        item(da.x, H + j) = item(d, j) * (item(h, j) - n) * z * (1 - z);
        item(dq, j) = after ? da_n * r : da_n;
        item(dh, j) += item(d, j) * z;
        item(reset_u, j) *= r;
    }
    Numbers dv = zeros(H), dp_q = dq;
    layer.back(layer.in.w_hh, 2, 2, after ? u : reset_u, dp_q, to.d_norm);
    add_back(layer.in.w_hh, 2 * H, dp_q, dv);
    for (Index j = 0; j < H; ++j) {
        const double r = item(gates, j), q = item(gates, 3 * H + j);
        const double dr = after ? item(da.x, 2 * H + j) * q : item(dv, j) * item(u, j);
        item(da.x, j) = dr * r * (1 - r);
        item(du, j) += after ? item(dv, j) : item(dv, j) * r;
    }
    da.h = da.x;
    put(dq, 2 * H, da.h);
    add_hidden(layer, {0, 1}, da.h, u, du, to);
    add_outer(dp_q, after ? u : reset_u, 2 * H, to.dw_hh);
    return da;
}

Sums back_lstm(const Layer& layer, const Numbers& gates, const Numbers& made, const Numbers& u,
               const Numbers& c, const Numbers& d, const Numbers& kept_c, Carried& carried,
               Numbers& dc_before, Numbers& through_c, Numbers& du, Gradients& to) {
    const Index H = layer.H;
    Numbers da = zeros(4 * H), dm = d;
    if (layer.problem.projects()) {
        dm = zeros(H);
        add_back(layer.in.w_hr, 0, d, dm);
        add_outer(d, made, 0, to.dw_hr);
    }
    for (Index j = 0; j < H; ++j) {
        const double in = item(gates, j), forget = item(gates, H + j), g = item(gates, 2 * H + j);
        const double out = item(gates, 3 * H + j);
        const double tanh_c = std::tanh(forget * item(c, j) + in * g);
        const double by_m = item(dm, j) * out * (1 - tanh_c * tanh_c);
        const double later = item(carried.d[1], j), kept = item(kept_c, j);
        const double dc = later * (1 - kept) + by_m;
        item(through_c, j) = later + by_m;
        item(da, j) = dc * g * in * (1 - in);
        item(da, H + j) = dc * item(c, j) * forget * (1 - forget);
        item(da, 2 * H + j) = dc * in * (1 - g * g);
        item(da, 3 * H + j) = item(dm, j) * tanh_c * out * (1 - out);
        item(dc_before, j) = later * kept + dc * forget;
    }
    add_hidden(layer, {0, 1, 2, 3}, da, u, du, to);
    return {da, da};
}

Sums back_rnn(const Layer& layer, const Numbers& made, const Numbers& u, const Numbers& d,
              Numbers& du, Gradients& to) {
    Numbers da = zeros(layer.H);
    for (Index j = 0; j < layer.H; ++j) {
        const double n = item(made, j);
        item(da, j) = item(d, j) * (layer.cell == kRnnTanh ? 1 - n * n : n > 0 ? 1 : 0);
    }
    add_hidden(layer, {0}, da, u, du, to);
    return {da, da};
}

void back_step(const Layer& layer, const Trace& trace, Index t, Index b, Carried& carried,
               Gradients& to) {
    const Index H = layer.H, P = layer.P, place = layer.place(t, b);
    const Numbers gates = part(trace.gates, place * layer.saved * H, layer.saved * H);
    const Numbers made = part(trace.made, place * H, H);
    const Numbers h = part(trace.before[0], place * P, P), u = layer.dropped(h, b);
    Numbers d = zeros(P), before[kMostStates] = {zeros(P), zeros(layer.states > 1 ? H : 0)};
    Numbers du = zeros(P);
    for (Index k = 0; k < P; ++k) {
        const double whole = item(carried.d[0], k) + item(layer.in.dh, place * P + k);
        const double kept = layer.kept(0, t, b, k);
        item(to.through[0], place * P + k) = whole;
        item(d, k) = whole * (1 - kept);
        item(before[0], k) = whole * kept;
    }
    Sums da;
    if (layer.cell <= kGruResetBefore) {
        da = back_gru(layer, gates, h, u, d, before[0], du, to);
    } else if (layer.cell == kLstm) {
        Numbers kept_c = zeros(H), through_c = zeros(H);
        for (Index j = 0; j < H; ++j) item(kept_c, j) = layer.kept(1, t, b, j);
        da = back_lstm(layer, gates, made, u, part(trace.before[1], place * H, H), d, kept_c,
                       carried, before[1], through_c, du, to);
        put(through_c, place * H, to.through[1]);
    } else {
        da = back_rnn(layer, made, u, d, du, to);
    }
    for (Index k = 0; k < P; ++k) {
        item(before[0], k) += item(du, k) * item_or(layer.in.dropout, b * P + k, 1);
    }
    Numbers dx = zeros(layer.I);
    for (int g = 0; g < gates_of(layer.cell); ++g) {
        Numbers dp = part(da.x, g * H, H);
        layer.back(layer.in.w_ih, 0, g, layer.x(t, b), dp, to.d_norm);
        add_back(layer.in.w_ih, g * H, dp, dx);
        add_outer(dp, layer.x(t, b), g * H, to.dw_ih);
    }
    put(dx, place * layer.I, to.dx);
    for (std::size_t i = 0; i < da.x.size(); ++i) {
        to.db_ih[i] += da.x[i];
        to.db_hh[i] += da.h[i];
    }
    for (int s = 0; s < layer.states; ++s) {
        if (layer.resets(t, b)) {
            for (Index k = 0; k < layer.size(s); ++k) {
                item(to.d_restart[s], k) += item(before[s], k);
                item(before[s], k) = 0;
            }
        }
        carried.d[s] = before[s];
    }
}

}  // namespace

Trace forward(const Problem& problem, const Inputs& in) {
    const Layer layer(problem, in);
    const Index rows = layer.T * layer.B;
    Trace trace;
    trace.h = zeros(rows * layer.P);
    trace.gates = zeros(rows * layer.saved * layer.H);
    trace.made = zeros(rows * layer.H);
    for (int s = 0; s < layer.states; ++s) {
        trace.final[s] = zeros(layer.B * layer.size(s));
        trace.before[s] = zeros(rows * layer.size(s));
    }
    for (Index b = 0; b < layer.B; ++b) forward_row(layer, b, trace);
    return trace;
}

Gradients backward(const Problem& problem, const Inputs& in, const Trace& trace) {
    const Layer layer(problem, in);
    const Index rows = layer.T * layer.B;
    Gradients to;
    to.dx = zeros(rows * layer.I);
    to.dw_ih = zeros(static_cast<Index>(in.w_ih.size()));
    to.dw_hh = zeros(static_cast<Index>(in.w_hh.size()));
    to.dw_hr = zeros(static_cast<Index>(in.w_hr.size()));
    to.db_ih = to.db_hh = zeros(gates_of(layer.cell) * layer.H);
    for (Numbers& part : to.d_norm) part = to.db_ih;
    for (int s = 0; s < layer.states; ++s) {
        to.d_initial[s] = zeros(layer.B * layer.size(s));
        to.d_restart[s] = zeros(layer.size(s));
        to.through[s] = zeros(rows * layer.size(s));
    }
    for (Index b = 0; b < layer.B; ++b) {
        Carried carried;
        for (int s = 0; s < layer.states; ++s) {
            carried.d[s] = part(in.d_final[s], b * layer.size(s), layer.size(s));
        }
        for (Index i = layer.T; i-- > 0;) {
            const Index t = layer.time(i);
            if (is_active(in, t, b)) back_step(layer, trace, t, b, carried, to);
        }
        for (int s = 0; s < layer.states; ++s)
            put(carried.d[s], b * layer.size(s), to.d_initial[s]);
    }
    return to;
}

}  // namespace gruta::checks
