#include "gruta/kernels/threads.h"

#if !defined(_WIN32)
#include <pthread.h>
#endif

#include <atomic>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "gruta/kernels/team.h"

namespace gruta {

namespace {

// Looks that a member takes before it lets other threads have the core.
constexpr int kSpins = 4000;

inline void relax() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

template <class Done>
void spin_until(const Done& done) {
    for (int i = 0; !done(); ++i) {
        if (i < kSpins) {
            relax();
        } else {
            std::this_thread::yield();
        }
    }
}

// One thread of the pool: waits for a piece of work, does it, says so.
class Worker {
  public:
    Worker() : thread_([this] { serve(); }) {}

    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    ~Worker() {
        start(nullptr);
        thread_.join();
    }

    void start(const std::function<void()>* work) {
        work_ = work;
        given_.fetch_add(1, std::memory_order_release);
        given_.notify_one();
    }

    void wait_until_done() {
        const std::uint64_t given = given_.load(std::memory_order_relaxed);
        spin_until([&] { return done_.load(std::memory_order_acquire) == given; });
    }

  private:
    void serve() {
        for (std::uint64_t seen = 0;; ++seen) {
            for (int i = 0; i < kSpins && given_.load(std::memory_order_acquire) == seen; ++i) {
                relax();
            }
            given_.wait(seen, std::memory_order_acquire);
            if (work_ == nullptr) return;
            (*work_)();
            done_.store(seen + 1, std::memory_order_release);
        }
    }

    const std::function<void()>* work_ = nullptr;
    std::atomic<std::uint64_t> given_{0};
    std::atomic<std::uint64_t> done_{0};
    std::thread thread_;
};

struct Pool {
    std::mutex in_use;
    std::vector<std::unique_ptr<Worker>> workers;

    // Whether so many workers can be had.
    bool has(int wanted) {
        try {
            while (static_cast<int>(workers.size()) < wanted) {
                workers.push_back(std::make_unique<Worker>());
            }
        } catch (const std::system_error&) {
            return false;
        }
        return true;
    }
};

// Never destroyed: a thread of the program's may still be in a call when the program ends. After a
// fork the child has none of its threads, and whatever the parent was doing with it stays undone,
// so it begins with a new one.
Pool* the_pool = nullptr;

Pool& pool() {
    static const bool ready = [] {
        the_pool = new Pool;
#if !defined(_WIN32)
        pthread_atfork(nullptr, nullptr, [] { the_pool = new Pool; });
#endif
        return true;
    }();
    static_cast<void>(ready);
    return *the_pool;
}

}  // namespace

void Team::wait() {
    if (size == 1) return;
    ++round;
    const std::uint64_t expected = round * static_cast<std::uint64_t>(size);
    // Not std::atomic_ref, which the standard library of macOS lacks.
    __atomic_fetch_add(&barrier->arrived, 1, __ATOMIC_ACQ_REL);
    spin_until([&] { return __atomic_load_n(&barrier->arrived, __ATOMIC_ACQUIRE) >= expected; });
}

bool run_together(int size, const std::function<void(int)>& work) {
    if (size <= 1) return false;
    Pool& threads = pool();
    const std::unique_lock turn(threads.in_use, std::try_to_lock);
    if (!turn.owns_lock() || !threads.has(size - 1)) return false;
    std::vector<std::function<void()>> parts(static_cast<std::size_t>(size - 1));
    for (int i = 1; i < size; ++i) {
        auto& part = parts[static_cast<std::size_t>(i - 1)];
        part = [&work, i] { work(i); };
        threads.workers[static_cast<std::size_t>(i - 1)]->start(&part);
    }
    work(0);
    for (int i = 1; i < size; ++i) {
        threads.workers[static_cast<std::size_t>(i - 1)]->wait_until_done();
    }
    return true;
}

}  // namespace gruta
