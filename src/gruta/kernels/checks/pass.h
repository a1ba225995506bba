// A problem's arrays in memory as a kernel takes them, guarded, outputs poisoned.
#pragma once

#include <functional>
#include <string>

#include "gruta/kernels/call.h"
#include "gruta/kernels/checks/reference.h"
#include "gruta/kernels/checks/report.h"

namespace gruta::checks {

// What may be null, a bit each.
enum Optional {
    kGates,
    kDh,
    kDHFinal,
    kDCFinal,
    kDx,
    kDHInitial,
    kDCInitial,
    kDHRestart,
    kDCRestart,
    kDwIh,
    kDwHh,
    kDbIh,
    kDbHh,
    kDwHr,
    kThroughH,
    kThroughC,
    kDNorm,  // the first of four
};

// How a call's arrays lie, and what is left out.
struct Placing {
    Order x = Order::dense, h = Order::dense, gradients = Order::dense, dh = Order::dense;
    std::size_t shift = 0;          // items off an allocation's alignment
    bool final_is_initial = false;  // the final states are brought forward in place
    std::uint64_t left_out = 0;     // a bit for each of the arrays that may be null
};

template <class Real>
class Pass {
  public:
    Pass(const Problem& problem, const Inputs& in, const Placing& placing);

    Weights<Real> weights() const;
    Forward<Real> forward() const;
    Backward<Real> backward() const;

    // What a backward pass reads of the forward pass, from elsewhere: all but what only the kernels
    // know.
    void take(const Trace& trace);

    // f(name, array) for all that the forward or the backward pass writes.
    template <class F>
    void each_output(bool back, const F& f) const;

    void poison_outputs(bool back);
    // Compares what a pass wrote with what it should have, `tolerance` times the largest number.
    double compare(Report& report, const std::string& what, const Trace& expected,
                   double tolerance) const;
    double compare(Report& report, const std::string& what, const Gradients& expected,
                   double tolerance) const;
    void check_intact(Report& report, const std::string& what) const;
    // Whether every output holds the same bits.
    void check_same(Report& report, const std::string& what, const Pass& other, bool back) const;
    // Whether what belongs to row b is that of row 0 in `alone`.
    void check_row(Report& report, const std::string& what, const Pass& alone, std::int64_t b,
                   bool back) const;

    bool has_gates() const { return gates_.exists(); }
    // Whether the gates are in 16 bits.
    bool is_halved() const { return sizeof(Real) == 4 && problem_.shape.halved; }
    // [T, B, S·H], without what a norm saves behind them.
    std::vector<Real> gates() const;

  private:
    using Reals = Array<Real>;
    using Masks = Array<std::uint8_t>;

    bool leaves_out(int bit) const { return (placing_.left_out >> bit & 1) != 0; }
    void place_gradients(const Shape& shape);
    bool has_c() const { return states_of(problem_.cell) > 1; }

    Problem problem_;
    Placing placing_;
    Array<std::int64_t> lengths_;
    Cube<Real> x_, h_, gates_, dh_, dx_, through_[kMostStates];
    Cube<std::uint8_t> reset_;
    Reals initial_[kMostStates], restart_[kMostStates], dropout_, final_[kMostStates];
    Reals w_ih_, w_hh_, b_ih_, b_hh_, w_hr_, norm_[kNormParts];
    Masks hold_[kMostStates];
    Reals d_final_[kMostStates], d_initial_[kMostStates], d_restart_[kMostStates];
    Reals dw_ih_, dw_hh_, db_ih_, db_hh_, dw_hr_, d_norm_[kNormParts];
};

// The inputs with zeros in place of gradients that are left out.
Inputs without(const Inputs& in, std::uint64_t left_out);

// The problem of row b alone.
Problem row_of(const Problem& problem);
Inputs row_of(const Problem& problem, const Inputs& in, std::int64_t b);
Trace row_of(const Problem& problem, const Trace& trace, std::int64_t b);

// Calls over packed weights, all in memory that was poisoned.
template <class Real>
void call_forward(const ForwardKernels<Real>& kernels, const Problem& problem,
                  const std::vector<Pass<Real>*>& passes, const Plan& plan);
// The way back from what the reference left, or, where only the kernels know how that is saved,
// from what a forward pass did.
template <class Real>
void call_backward(const CellKernels<Real>& kernels, const Problem& problem,
                   const std::vector<Pass<Real>*>& passes, const std::vector<const Trace*>& traces,
                   const Plan& plan);

}  // namespace gruta::checks
