// What a caller of the kernels hands over and gets, for every cell alike. The mathematics is in the
// cells' READMEs.
//
// One call is one layer in one direction. B batch, T time steps, I input size, H hidden size, P the
// size of h (H unless the LSTM projects it), G gates in torch.nn's order. Arrays are dense and
// row-major unless a view says otherwise. No kernel allocates, throws, or keeps a pointer after it
// returns.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gruta/kernels/team.h"

namespace gruta {

// B, T ≥ 0; I, H, P ≥ 1.
struct Shape {
    std::int64_t B, T, I, H, P;
    bool normed = false;  // whether W_ih x and W_hh h are normalised, each gate on its own
    bool halved = false;  // whether what is saved for the way back takes 16 bits; float32 alone
};

constexpr int kMostStates = 2;  // h and, in the LSTM, c

// A layer norm's: gain and bias of W_ih x, then those of W_hh h. The cells' README.md has the
// equations, cells/layer_norm.py what is added to the variance.
constexpr int kNormParts = 4;
constexpr double kNormEpsilon = 1e-5;

// An array [T, B, width] whose last axis is dense; strides count items.
template <class Item>
struct View {
    Item* data;
    std::int64_t step, row;
};

// Read while packing only.
template <class Real>
struct Weights {
    const Real* w_ih;                   // [G·H, I]
    const Real* w_hh;                   // [G·H, P]
    const Real* b_ih;                   // [G·H], or null for zeros
    const Real* b_hh;                   // [G·H], or null for zeros
    const Real* w_hr;                   // [P, H], or null where P = H without a projection
    const Real* norm[kNormParts] = {};  // [G·H], where the shape is normed
};

// How the state walks over time. All but `reverse` may be null or zero.
template <class Real>
struct Walk {
    const std::int64_t* lengths;            // [B], each in 0..T; null when every row has T steps
    bool reverse;                           // from t = T − 1 to 0
    View<const std::uint8_t> reset;         // [T, B, 1]: true replaces the state before x_t
    const Real* restart[kMostStates];       // [P], [H]: what replaces it; null for zeros
    const Real* dropout;                    // [B, P] on the copy of h that enters the products
    const std::uint8_t* hold[kMostStates];  // [T, B, P], [T, B, H]: true keeps the old state
    Real
        held;  // the share of the old state that every step keeps, 0 ≤ held < 1, where hold is null
};

template <class Real>
struct Forward {
    Walk<Real> walk;
    View<const Real> x;  // [T, B, I]
    // In place of x where T = 1: W_ih x + bias of each row, as `project` leaves it; or null.
    const Real* projected;
    bool turned;  // whether the first step reads the weights from their end; else every second one
    const Real* initial[kMostStates];  // h_0 [B, P], c_0 [B, H]
    // Every entry of the outputs is written. They overlap neither each other nor the inputs, except
    // that a final state may be the initial one.
    View<Real> h;              // [T, B, P]; zero from lengths[b] on
    Real* final[kMostStates];  // h_n [B, P], c_n [B, H]: the states after the walk
    // [T, B, saved_size], zero from lengths[b] on; or null. In each row S·H numbers, S as `saved`
    // says, and where a layer is normed more in an order of the kernel's own; of one that is halved
    // all are the kernel's own.
    Real* gates;
};

// What `forward` read and wrote, the gradient of what it wrote, and room for the gradient of what
// it read. Any of the gradients that are written may be null.
template <class Real>
struct Backward {
    Forward<Real> pass;
    View<const Real> dh;               // [T, B, P], or null for zeros
    const Real* d_final[kMostStates];  // dh_n [B, P], dc_n [B, H], or null for zeros

    View<Real> dx;                 // [T, B, I]; zero from lengths[b] on
    Real* d_initial[kMostStates];  // [B, P], [B, H]
    Real* d_restart[kMostStates];  // [P], [H]
    Real* dw_ih;                   // [G·H, I]
    Real* dw_hh;                   // [G·H, P]
    Real* db_ih;                   // [G·H]
    Real* db_hh;                   // [G·H]
    Real* dw_hr;                   // [P, H]
    Real* d_norm[kNormParts];      // [G·H]
    // ∂L/∂(each state) along every path, direct and through later steps.
    View<Real> through[kMostStates];  // [T, B, P], [T, B, H]; zero from lengths[b] on
};

// `packed` and `scratch` are memory of the caller's, aligned to 64 bytes and as long as the
// function above them says (PTRDIFF_MAX for sizes that no memory can hold). Packed weights depend
// on the weights and I, H, P alone and serve any number of calls, at the same time too; scratch
// serves one call at a time and carries nothing from one to the next. All members of a team make a
// call together, with the same arguments.
template <class Real>
struct ForwardKernels {
    std::size_t (*packed_bytes)(const Shape&);
    void (*pack)(const Shape&, const Weights<Real>&, void* packed);
    std::size_t (*scratch_bytes)(const Shape&, const Team&);
    void (*run)(const Shape&, const void* packed, const Forward<Real>&, void* scratch, Team&);
    // W_ih x + bias of B rows x [B, I]: so many bytes a row, in an order of the kernel's own. With
    // scratch for a run of these rows on one thread.
    std::size_t (*projected_bytes)(const Shape&);
    void (*project)(const Shape&, const void* packed, const Real* x, Real* projected,
                    void* scratch);
};

template <class Real>
struct BackwardKernels {
    std::size_t (*packed_bytes)(const Shape&);
    void (*pack)(const Shape&, const Weights<Real>&, void* packed);
    std::size_t (*scratch_bytes)(const Shape&, const Team&);
    // Needs `gates`, and a walk whose `held` is 0.
    void (*run)(const Shape&, const void* packed, const Backward<Real>&, void* scratch, Team&);
};

// A linear layer: y [rows, O] from x [rows, K], weights [O, K] and bias [O]. `packed` as above.
template <class Real>
struct DenseKernels {
    std::size_t (*packed_bytes)(std::int64_t O, std::int64_t K);
    void (*pack)(std::int64_t O, std::int64_t K, const Real* weights, const Real* bias,
                 void* packed);
    void (*run)(std::int64_t O, std::int64_t K, const void* packed, std::int64_t rows,
                const Real* x, Real* y);
};

// One step of one row, from `before` (h_0 [H] and, in the LSTM, c_0 [H]) to `after`, which lies
// elsewhere; x [I]. For P = H. It reads the weights where they are, and has sums of its own.
template <class Real>
using StepRow = void (*)(const Shape&, const Weights<Real>&, const Real* x,
                         const Real* const* before, Real* const* after);

// One cell in one dtype.
template <class Real>
struct CellKernels {
    int gates;   // G
    int states;  // 1, or 2 with c
    int saved;   // S
    // How many numbers a layer saves of a row and step: S·H, and more or less by its options.
    std::int64_t (*saved_size)(const Shape&);
    ForwardKernels<Real> forward;
    BackwardKernels<Real> backward;
    StepRow<Real> step_row;  // null where there is none
};

}  // namespace gruta
