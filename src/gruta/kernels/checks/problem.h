// A layer to compute: its sizes, which options are in use, and its numbers, drawn at random.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "gruta/kernels/checks/array.h"
#include "gruta/kernels/dispatch.h"

namespace gruta::checks {

enum Cell { kGru, kGruResetBefore, kLstm, kRnnTanh, kRnnRelu };

inline int gates_of(int cell) {
    return cell <= kGruResetBefore ? 3 : cell == kLstm ? 4 : 1;
}
inline int states_of(int cell) {
    return cell == kLstm ? 2 : 1;
}
inline int saved_of(int cell) {
    return cell <= kGruResetBefore ? 4 : cell == kLstm ? 5 : 0;
}

struct Problem {
    int cell = kGru;
    Shape shape = {};
    std::uint64_t seed = 0;

    bool has_lengths = false, reverse = false, has_reset = false, has_restart = false;
    bool has_dropout = false, has_hold = false;
    double held = 0;
    bool has_b_ih = true, has_b_hh = true;
    bool in_integers = false;  // whether the reference rounds as weights of 8 bits are

    bool projects() const { return shape.P != shape.H; }
    std::string name() const;
};

// A stream of random numbers that is the same everywhere.
class Draw {
  public:
    explicit Draw(std::uint64_t seed) : engine_(seed) {}

    std::int64_t below(std::int64_t end) {
        return static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(end));
    }
    bool one_in(std::int64_t n) { return below(n) == 0; }
    double between(double low, double high) {
        return low + (high - low) * static_cast<double>(engine_() >> 11) * 0x1p-53;
    }
    template <class Item, std::size_t N>
    Item of(const Item (&items)[N]) {
        return items[below(N)];
    }

  private:
    std::mt19937_64 engine_;
};

using Numbers = std::vector<double>;
using Bytes = std::vector<std::uint8_t>;

// Dense arrays, empty where there is none. Past a row's length x and dh are NaN, and the masks
// noise.
struct Inputs {
    std::vector<std::int64_t> lengths;
    Numbers x, initial[kMostStates], w_ih, w_hh, b_ih, b_hh, w_hr, restart[kMostStates], dropout;
    Numbers norm[kNormParts];
    Bytes reset, hold[kMostStates];
    Numbers dh, d_final[kMostStates];
};

// Every number is one that `Real` can hold. `same_x` and `same_dh`: alike for all steps and rows.
template <class Real>
Inputs draw_inputs(const Problem& problem, bool same_x = false, bool same_dh = false);

inline bool is_active(const Inputs& in, std::int64_t t, std::int64_t b) {
    return in.lengths.empty() || t < in.lengths[static_cast<std::size_t>(b)];
}

}  // namespace gruta::checks
