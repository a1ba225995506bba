// What the checks have found so far.
#pragma once

#include <atomic>
#include <cstdio>
#include <mutex>
#include <string>

namespace gruta::checks {

class Report {
  public:
    // Counts a check; where it fails, says what.
    bool check(bool holds, const std::string& what) {
        ++checks_;
        if (holds) return true;
        const std::lock_guard turn(mutex_);
        if (++failures_ <= kMostShown) std::printf("FAILED %s\n", what.c_str());
        return false;
    }

    long checks() const { return checks_; }
    long failures() const { return failures_; }

  private:
    static constexpr long kMostShown = 20;
    std::mutex mutex_;
    std::atomic<long> checks_{0}, failures_{0};
};

// How much of all there is to check.
struct Effort {
    bool quick = false;
};

void check_layers(Report& report, Effort effort);    // numbers, against reference.h
void check_bits(Report& report, Effort effort);      // the same bits however the work is shared
void check_rows(Report& report, Effort effort);      // a step with the weights as they lie
void check_storage(Report& report, Effort effort);   // weights of 16 bits
void check_integers(Report& report, Effort effort);  // weights of 8 bits
void check_matrix(Report& report, Effort effort);    // the matrix unit
void check_sizes(Report& report, Effort effort);     // sizes that no memory can hold
void check_packs(Report& report, Effort effort);     // packed weights that are kept
void check_threads(Report& report, Effort effort);   // many callers, idle threads
void check_forks(Report& report, Effort effort);     // threads of a child's own

}  // namespace gruta::checks
