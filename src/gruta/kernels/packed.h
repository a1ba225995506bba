// Weights that are packed once, to be called any number of times: a step at a time, or a sequence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <string>

#include "gruta/kernels/call.h"
#include "gruta/kernels/dispatch.h"
#include "gruta/kernels/step.h"

namespace gruta {

// The kernels of weights that are stored as float16, bfloat16, int8, or what Real is.
template <class Real>
const ForwardKernels<Real>& forward_kernels(const std::string& storage, int cell) {
    if constexpr (sizeof(Real) == 4) {
        if (storage == "float16") return isa().kernels->float16->cell[cell];
        if (storage == "bfloat16") return isa().kernels->bfloat16->cell[cell];
        if (storage == "int8") return isa().kernels->int8->cell[cell];
    }
    return isa().kernels->of<Real>(cell).forward;
}

template <class Real>
class Packed {
  public:
    // shape: of which I, H and P count.
    Packed(int cell, const Shape& shape, const Weights<Real>& weights, const std::string& storage,
           int threads)
        : shape_(shape),
          states_(isa().kernels->of<Real>(cell).states),
          gates_(isa().kernels->of<Real>(cell).gates),
          threads_(threads),
          kernels_(forward_kernels<Real>(storage, cell)),
          packed_(pack(kernels_, shape_, weights)) {}

    const Shape& shape() const { return shape_; }
    int states() const { return states_; }

    // Of a step of B rows.
    std::int64_t products(std::int64_t B) const {
        return gates_ * B * shape_.H * (shape_.I + shape_.P);
    }

    void sequence(const Shape& shape, const Forward<Real>& pass, int threads) const {
        run_forward(kernels_, shape, {packed_.data()}, {pass}, plan(shape, gates_, 1, threads));
    }

    // Brings h [B, P], and c [B, H] if there is one, a step forward in place, from the inputs that
    // `pass` has.
    //
    // A call that meets another brings memory of its own. It does not wait: in the child of a fork
    // nobody may be left to end the other one.
    void step(Forward<Real> pass, std::int64_t B, Real* h, Real* c) {
        const std::unique_lock turn(mutex_, std::try_to_lock);
        Memory own_output, own_scratch;
        Memory& output = turn.owns_lock() ? output_ : own_output;
        Memory& scratch = turn.owns_lock() ? scratch_ : own_scratch;
        const Shape shape = {B, 1, shape_.I, shape_.H, shape_.P};
        pass.initial[0] = pass.final[0] = h;
        pass.initial[1] = pass.final[1] = c;
        if (turn.owns_lock()) pass.turned = turned_ = !turned_;
        // Steps of the same rows follow each other: asking how much they need costs as much as a
        // small one.
        if (!turn.owns_lock() || B != scratch_rows_) {
            scratch.grow(kernels_.scratch_bytes(shape, {}));
            if (turn.owns_lock()) scratch_rows_ = B;
        }
        run_step(kernels_, shape, packed_.data(), pass, plan(shape, gates_, 1, threads_), output,
                 scratch);
    }

    // The same from x [B, I].
    void step(const Real* x, std::int64_t B, Real* h, Real* c) {
        Forward<Real> pass = {};
        pass.x = {x, 0, shape_.I};
        step(pass, B, h, c);
    }

    std::size_t projected_bytes() const { return kernels_.projected_bytes(shape_); }

    // W_ih x + bias of so many rows x [rows, I].
    Memory project(const Real* x, std::int64_t rows) const {
        constexpr std::int64_t at_once = 64;
        Memory projected(projected_bytes() * static_cast<std::size_t>(rows)), scratch;
        auto* to = static_cast<std::byte*>(projected.data());
        for (std::int64_t first = 0; first < rows; first += at_once) {
            const std::int64_t some = rows - first < at_once ? rows - first : at_once;
            const Shape shape = {some, 1, shape_.I, shape_.H, shape_.P};
            scratch.grow(kernels_.scratch_bytes(shape, {}));
            kernels_.project(shape, packed_.data(), x + first * shape_.I,
                             reinterpret_cast<Real*>(to), scratch.data());
            to += projected_bytes() * static_cast<std::size_t>(some);
        }
        return projected;
    }

  private:
    Shape shape_;
    int states_, gates_, threads_;
    const ForwardKernels<Real>& kernels_;
    Memory packed_, scratch_, output_;
    std::int64_t scratch_rows_ = -1;  // what scratch_ has room for
    bool turned_ = false;
    std::mutex mutex_;
};

// Steps whose inputs are rows of a table: what they add to the gates is computed once.
template <class Real>
class Lookup {
  public:
    // table: [count, I].
    Lookup(Packed<Real>& packed, const Real* table, std::int64_t count)
        : packed_(packed),
          bytes_(packed.projected_bytes()),
          count_(count),
          projected_(packed.project(table, count)) {}

    const Packed<Real>& packed() const { return packed_; }
    std::int64_t count() const { return count_; }

    // rows: [B], each a row of the table.
    void step(const std::int64_t* rows, std::int64_t B, Real* h, Real* c) {
        Forward<Real> pass = {};
        pass.projected = B == 1 ? at(rows[0]) : gathered(rows, B);
        packed_.step(pass, B, h, c);
    }

  private:
    const Real* at(std::int64_t row) const {
        const auto* const first = static_cast<const std::byte*>(projected_.data());
        return reinterpret_cast<const Real*>(first + bytes_ * static_cast<std::size_t>(row));
    }

    const Real* gathered(const std::int64_t* rows, std::int64_t B) const {
        thread_local Memory memory;
        memory.grow(bytes_ * static_cast<std::size_t>(B));
        auto* const to = static_cast<std::byte*>(memory.data());
        for (std::int64_t b = 0; b < B; ++b) {
            std::memcpy(to + bytes_ * static_cast<std::size_t>(b), at(rows[b]), bytes_);
        }
        return static_cast<const Real*>(memory.data());
    }

    Packed<Real>& packed_;
    std::size_t bytes_;  // of a row
    std::int64_t count_;
    Memory projected_;
};

// Adds PackedF32 and PackedF64, and LookupF32 and LookupF64.
void bind_packed(nanobind::module_& module);

}  // namespace gruta
