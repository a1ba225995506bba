// Several vectors at once, for long chains of operations.
#pragma once

#include "gruta/kernels/simd.h"

namespace gruta::GRUTA_ISA {

// Several vectors that go the same way. One activation is a chain of some twenty operations, each
// of which waits for the one before: the CPU is kept busy by doing a few chains side by side.
template <class Real, int N>
struct Group {
    Vec<Real> at[N];
};

constexpr int kGroupSize = kRegisters / 8;

// f of each vector of the groups.
template <class Real, int N, class F, class... Rest>
[[gnu::always_inline]] inline Group<Real, N> each(const F& f, const Group<Real, N>& first,
                                                  const Rest&... rest) {
    Group<Real, N> found;
    for (int i = 0; i < N; ++i) found.at[i] = f(first.at[i], rest.at[i]...);
    return found;
}

template <class Real, int N>
[[gnu::always_inline]] inline Group<Real, N> operator+(const Group<Real, N>& a,
                                                       const Group<Real, N>& b) {
    return each([](Vec<Real> x, Vec<Real> y) { return x + y; }, a, b);
}
template <class Real, int N>
[[gnu::always_inline]] inline Group<Real, N> operator*(const Group<Real, N>& a,
                                                       const Group<Real, N>& b) {
    return each([](Vec<Real> x, Vec<Real> y) { return x * y; }, a, b);
}
template <class Real, int N>
[[gnu::always_inline]] inline Group<Real, N> operator-(const Group<Real, N>& a,
                                                       const Group<Real, N>& b) {
    return each([](Vec<Real> x, Vec<Real> y) { return x - y; }, a, b);
}
template <class Real, int N>
[[gnu::always_inline]] inline Group<Real, N> operator+(const Group<Real, N>& a, Real b) {
    return each([=](Vec<Real> x) { return x + b; }, a);
}
template <class Real, int N>
[[gnu::always_inline]] inline Group<Real, N> operator-(Real a, const Group<Real, N>& b) {
    return each([=](Vec<Real> x) { return a - x; }, b);
}
template <class Real, int N>
[[gnu::always_inline]] inline Group<Real, N> operator-(const Group<Real, N>& a) {
    return each([](Vec<Real> x) { return -x; }, a);
}
template <class Real, int N>
[[gnu::always_inline]] inline Group<Real, N> multiply_add(const Group<Real, N>& a,
                                                          const Group<Real, N>& b,
                                                          const Group<Real, N>& c) {
    return each([](Vec<Real> x, Vec<Real> y, Vec<Real> z) { return multiply_add<Real>(x, y, z); },
                a, b, c);
}
template <class Real, int N>
[[gnu::always_inline]] inline Group<Real, N> multiply_add(const Group<Real, N>& a, Real b,
                                                          const Group<Real, N>& c) {
    return each([=](Vec<Real> x, Vec<Real> y) { return multiply_add<Real>(x, splat(b), y); }, a, c);
}
template <class Real, int N>
[[gnu::always_inline]] inline Group<Real, N> multiply_add(const Group<Real, N>& a,
                                                          const Group<Real, N>& b, Real c) {
    return each([=](Vec<Real> x, Vec<Real> y) { return multiply_add<Real>(x, y, splat(c)); }, a, b);
}

// The greater and the smaller of x and a bound; NaN where x is.
template <class Real, int N>
[[gnu::always_inline]] inline Group<Real, N> at_least(const Group<Real, N>& a, Real bound) {
    return each([=](Vec<Real> x) { return greater<Real>(splat(bound), x); }, a);
}
template <class Real, int N>
[[gnu::always_inline]] inline Group<Real, N> at_most(const Group<Real, N>& a, Real bound) {
    return each([=](Vec<Real> x) { return smaller<Real>(splat(bound), x); }, a);
}

}  // namespace gruta::GRUTA_ISA
