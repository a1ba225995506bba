// The pool of threads: many callers at once, a fork, and what threads cost that have nothing to do.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <set>
#include <thread>

#include "gruta/kernels/checks/pass.h"
#include "gruta/kernels/threads.h"

namespace gruta::checks {

namespace {

constexpr Plan kShared = {1, 3, true};

// A layer that can be computed again and again, and what comes of it on one thread.
class Example {
  public:
    explicit Example(int cell) : kernels_(isa().kernels->of<float>(cell)) {
        problem_.cell = cell;
        problem_.shape = {4, 9, 6, 40, 40};
        problem_.has_lengths = true;
        problem_.shape.normed = cell == kLstm;
        in_ = draw_inputs<float>(problem_);
        trace_ = forward(problem_, in_);
        expected_ = std::make_unique<Pass<float>>(compute(Plan{}));
    }

    void check(Report& report, const std::string& what, const Plan& plan) const {
        const Pass<float> found = compute(plan);
        found.check_same(report, what, *expected_, false);
        found.check_same(report, what, *expected_, true);
    }

  private:
    Pass<float> compute(const Plan& plan) const {
        Pass<float> pass(problem_, in_, Placing{});
        call_backward(kernels_, problem_, {&pass}, {&trace_}, plan);
        call_forward(kernels_.forward, problem_, {&pass}, plan);
        return pass;
    }

    const CellKernels<float>& kernels_;
    Problem problem_;
    Inputs in_;
    Trace trace_;
    std::unique_ptr<Pass<float>> expected_;
};

void check_that_threads_run(Report& report) {
    std::mutex mutex;
    std::set<std::thread::id> seen;
    const bool together = run_together(3, [&](int) {
        const std::lock_guard turn(mutex);
        seen.insert(std::this_thread::get_id());
    });
    report.check(together && seen.size() == 3, "three threads make a call together");
    const bool alone = run_together(1, [](int) {});
    report.check(!alone, "one thread makes no call together");
}

void check_many_callers(Report& report, Effort effort) {
    const Example gru(kGru), lstm(kLstm);
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 6; ++caller) {
        callers.emplace_back([&, caller] {
            for (int i = 0; i < (effort.quick ? 10 : 60); ++i) {
                const Plan plan = i % 3 == 0 ? Plan{1, 2, false} : kShared;
                (caller % 2 == 0 ? gru : lstm).check(report, "many callers at once", plan);
            }
        });
    }
    for (std::thread& caller : callers) caller.join();
}

// A child of the program computes on threads of its own.
void check_in_child(Report& report, const std::string& what, const Example& example) {
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        alarm(60);
        Report own;
        for (int i = 0; i < 3; ++i) example.check(own, what, kShared);
        check_that_threads_run(own);
        std::fflush(stdout);
        _exit(own.failures() == 0 ? 0 : 1);
    }
    int status = 0;
    report.check(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
                     WEXITSTATUS(status) == 0,
                 what);
}

double cpu_seconds() {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void check_idle(Report& report) {
    Example(kGru).check(report, "before a rest", kShared);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const double before = cpu_seconds();
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    const double used = cpu_seconds() - before;
    report.check(used < 0.05, "idle threads are parked, yet " + std::to_string(used) +
                                  " seconds of 0.3 were computed");
}

}  // namespace

void check_threads(Report& report, Effort effort) {
    check_that_threads_run(report);
    check_many_callers(report, effort);
    check_idle(report);
}

void check_forks(Report& report, Effort) {
    const Example example(kGru);
    example.check(report, "before the fork", kShared);
    check_in_child(report, "after a fork the child computes", example);
    example.check(report, "after the fork the parent computes", kShared);
    std::atomic<bool> stop{false};
    std::thread caller([&] {
        Report ignored;
        while (!stop) example.check(ignored, "", kShared);
    });
    for (int i = 0; i < 5; ++i) {
        check_in_child(report, "after a fork in the middle of a call the child computes", example);
    }
    stop = true;
    caller.join();
}

}  // namespace gruta::checks
