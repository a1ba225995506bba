// The threads that serve kernels: one call at a time has them, in between they are parked.
#pragma once

#include <functional>

namespace gruta {

// Calls work(0) on the calling thread and work(1) to work(size − 1) on others, all at once, and
// returns true when all are done. False, and nothing is called, for a size of 1, where another call
// has the threads, or where the system grants none.
bool run_together(int size, const std::function<void(int)>& work);

}  // namespace gruta
