// The next unit, drawn from scores: what gruta/codec/text/sampling.py does, for a row at a time.
#pragma once

#include <cstdint>

namespace gruta {

// Named and explained there.
struct Sampling {
    double temperature;
    std::int64_t top_k;
    double top_p, min_p, repetition_penalty;
};

class Sampler {
  public:
    Sampler(const Sampling& how, std::int64_t units);

    // A unit by a number, 0 ≤ uniform < 1, from scores [V], which are lost. said: [V], which units
    // the text has, or null.
    std::int64_t draw(double* scores, const std::uint8_t* said, double uniform) const;

  private:
    void leave_likeliest(double* odds) const;

    Sampling how_;
    std::int64_t units_;
};

}  // namespace gruta
