// Numbers below the smallest normal one: a CPU takes over a hundred cycles for each.
#pragma once

#if defined(__SSE2__) || defined(_M_X64)
#include <xmmintrin.h>
#endif

namespace gruta {

// While one lives, a result of this thread's that would be such a number is zero. A gradient that
// vanishes passes through them for dozens of steps, which made a backward pass ten times slower.
// What is read stays as it is: x86-64-v2 widens the smallest float16 by way of such a float32.
// Elsewhere nothing is flushed: on 64-bit Arm what is read would be too, and it pays less there.
class FlushDenormals {
  public:
    FlushDenormals() : before_(control()) { control(before_ | kFlush); }

    FlushDenormals(const FlushDenormals&) = delete;
    FlushDenormals& operator=(const FlushDenormals&) = delete;

    ~FlushDenormals() { control(before_); }

  private:
#if defined(__SSE2__) || defined(_M_X64)
    using Word = unsigned int;
    static constexpr Word kFlush = 0x8000;
    static Word control() { return _mm_getcsr(); }
    static void control(Word word) { _mm_setcsr(word); }
#else
    using Word = int;
    static constexpr Word kFlush = 0;
    static Word control() { return 0; }
    static void control(Word) {}
#endif

    Word before_;
};

}  // namespace gruta
