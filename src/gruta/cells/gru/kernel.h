// The GRU's kernels: what a caller hands over and gets. The mathematics is in the README beside.
//
// B batch, T time steps, I input size, H hidden size; gates in the order r, z, n. All arrays are
// dense and row-major, and no kernel allocates, keeps a pointer after it returns, or throws.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gruta::gru {

// B, T ≥ 0; I, H ≥ 1. reset_after: r multiplies W_hn h + b_hn; otherwise r multiplies h.
struct Shape {
    std::int64_t B, T, I, H;
    bool reset_after;
};

// Read while packing only.
template <class Real>
struct Weights {
    const Real* w_ih;  // [3H, I]
    const Real* w_hh;  // [3H, H]
    const Real* b_ih;  // [3H], or null for zeros
    const Real* b_hh;  // [3H], or null for zeros
};

// One layer in one direction.
template <class Real>
struct Sequence {
    const Real* x;                // [T, B, I]
    const Real* h_0;              // [B, H]
    const std::int64_t* lengths;  // [B], each in 0..T; null when every row has T steps
    bool reverse;                 // walk from t = T − 1 to 0
    // Every entry of the outputs is written. They overlap neither each other nor the inputs,
    // except that h_n may be h_0.
    Real* h;      // [T, B, H]; zero from lengths[b] on
    Real* h_n;    // [B, H]: the state after the walk, h_0 for a row of no steps
    Real* gates;  // [T, B, 4H]: r, z, n, q, zero from lengths[b] on; null when not wanted.
                  // q is W_hn h + b_hn, or W_hn (r ⊙ h) + b_hn where r comes before.
};

// `packed` and `scratch` are memory of the caller's, aligned to 64 bytes and as long as the
// function above them says (PTRDIFF_MAX for sizes that no memory can hold). Packed weights depend
// on I, H and reset_after alone and serve any number of calls, at the same time too; scratch
// depends on the whole shape, serves one call at a time and carries nothing from one to the next.
template <class Real>
struct Kernels {
    std::size_t (*packed_bytes)(const Shape&);
    void (*pack)(const Shape&, const Weights<Real>&, void* packed);

    std::size_t (*scratch_bytes)(const Shape&);
    void (*forward)(const Shape&, const void* packed, const Sequence<Real>&, void* scratch);
};

}  // namespace gruta::gru
