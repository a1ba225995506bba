// What the engine has to know of a cell.
#pragma once

#include "gruta/kernels/codes.h"
#include "gruta/kernels/gemm.h"
#include "gruta/kernels/layer.h"

namespace gruta::GRUTA_ISA {

// A product that needs the results of a step's first one: of one gate over H numbers.
enum class Second { none, candidate, projection };

// A cell in numbers. What a step computes with them is in the cell's kernel.h.
struct CellForm {
    int gates, states;
    int saved;  // numbers a unit and step
    int coded;  // how many of them are `Coded` where a layer is halved: the first, an even number
    Code code[kMostGates];  // and as what
    int first;              // gates whose product reads h
    int apart;              // the gate that keeps b_hh apart from W_ih x, or −1
    Gates order;            // of the gates in a panel
    Second second;

    // The way back. Gradients of the gates' sums stand in slots; those of `first` gates from
    // `hidden_slot` on meet h, the first `gates` of them x.
    int slots, hidden_slot;
    Gates input_gates;  // which gate stands in each of them
    int input_slot[kMostGates],
        bias_slot[kMostGates];  // where each gate's b_ih and b_hh find theirs
};

inline bool has_second(const CellForm& cell, const Shape& shape) {
    return cell.second == Second::candidate ||
           (cell.second == Second::projection && shape.P != shape.H);
}

}  // namespace gruta::GRUTA_ISA
