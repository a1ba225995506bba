// What a step that trains leaves for the way back, and where in a row of it that stands.
//
//     [slot][H] what the cell saves, and then the products of a layer norm, see norm.h
//
// Where a layer is halved, the first slots, all but a state, are `Coded`, and so are the products.
#pragma once

#include "gruta/kernels/cell.h"
#include "gruta/kernels/walk.h"

namespace gruta::GRUTA_ISA {

// Only float32 is.
template <class Real>
constexpr bool is_halved(const Shape& shape) {
    return sizeof(Real) == sizeof(float) && shape.halved;
}

// How many numbers so many coded ones take.
template <class Real>
constexpr Index coded_room(Index count) {
    constexpr Index in_one = sizeof(Real) / sizeof(Coded);
    return (count + in_one - 1) / in_one;
}

// Where the whole numbers of a slot begin in a row, and behind the last slot where the slots end.
template <class Real>
constexpr Index slot_place(const CellForm& cell, const Shape& shape, int slot) {
    if (!is_halved<Real>(shape)) return slot * shape.H;
    return coded_room<Real>(cell.coded * shape.H) + (slot - cell.coded) * shape.H;
}

template <class Real>
inline Coded* coded(Real* row) {
    return reinterpret_cast<Coded*>(row);
}
template <class Real>
inline const Coded* coded(const Real* row) {
    return reinterpret_cast<const Coded*>(row);
}

template <class Cell, int slot, class Real>
[[gnu::always_inline]] inline void save(const Shape& shape, const Row<Real>& row, Span span,
                                        Vec<Real> value) {
    constexpr const CellForm& cell = Cell::form;
    if (row.gates == nullptr) return;
    if constexpr (sizeof(Real) == sizeof(float) && slot < cell.coded) {
        if (shape.halved) {
            return store_code<cell.code[slot]>(coded(row.gates) + slot * shape.H + span.first,
                                               value, span.width);
        }
    }
    store(row.gates + slot_place<Real>(cell, shape, slot) + span.first, value, span.width);
}

template <class Cell, int slot, class Real>
[[gnu::always_inline]] inline Vec<Real> load_saved(const Shape& shape, const Row<Real>& row,
                                                   Span span) {
    constexpr const CellForm& cell = Cell::form;
    if constexpr (sizeof(Real) == sizeof(float) && slot < cell.coded) {
        if (shape.halved) {
            return load_code<cell.code[slot]>(coded(row.gates) + slot * shape.H + span.first,
                                              span.width);
        }
    }
    return load(row.gates + slot_place<Real>(cell, shape, slot) + span.first, span.width);
}

}  // namespace gruta::GRUTA_ISA
