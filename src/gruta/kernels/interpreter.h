// When other threads of Python may run.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <optional>

namespace gruta {

// Lets go of the interpreter for so many products, but for a few: to let go costs as much as they.
class LetGo {
  public:
    explicit LetGo(std::int64_t products) {
        constexpr std::int64_t worth = 100'000;
        if (products > worth) unlocked_.emplace();
    }

  private:
    std::optional<nanobind::gil_scoped_release> unlocked_;
};

}  // namespace gruta
