// How likely each unit is to come next by counts: what gruta/codec/text/ngram.py says, for a text
// at a time.
#pragma once

#include <cstdint>
#include <vector>

namespace gruta {

// Of the contexts of one length, as `Order` has them there.
struct NGramOrder {
    const std::int64_t *runs, *first;  // [runs], [contexts + 1]
    const float *kept, *left;          // [runs], [contexts]
    std::int64_t run_count, contexts;
};

class NGram {
  public:
    // std::invalid_argument where the orders do not fit together. What they point to is kept by the
    // caller.
    NGram(std::int64_t size, std::vector<NGramOrder> orders);

    std::int64_t order() const { return static_cast<std::int64_t>(orders_.size()); }

    // Whether a text can stand there, places [order].
    bool has(const std::int64_t* places) const;

    // likely [size] of what comes next where a text stands.
    void next(const std::int64_t* places, double* likely) const;

    // Brings the places forward by a unit.
    void move(std::int64_t* places, std::int64_t unit) const;

  private:
    std::int64_t size_;
    std::vector<NGramOrder> orders_;
};

}  // namespace gruta
