// The threads that make one call together.
#pragma once

#include <cstdint>

namespace gruta {

// Where the members of a team wait for each other. The count only grows: nothing is reset, and
// nobody can be left behind in an earlier round.
struct Barrier {
    alignas(64) std::uint64_t arrived = 0;
};

// One member's part in a call.
struct Team {
    int member = 0;
    int size = 1;
    // Each member walks rows of its own, or all walk every row and split its units.
    bool splits_units = false;
    Barrier* barrier = nullptr;
    std::uint64_t round = 0;  // how often this member has waited

    // Until all members have called it as often as this one.
    void wait();
};

}  // namespace gruta
