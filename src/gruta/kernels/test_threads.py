"""How many threads a call may use, and calls that meet: at the same time, or across a fork."""

import multiprocessing
import subprocess
import sys
import threading

import numpy as np
import pytest

from gruta import kernels
from gruta.errors import InputError
from gruta.tests.variants import VARIANTS, assert_same

# B, T, I, H at which two threads share a call: its rows, or the units of its one row.
SHARED = [(16, 50, 8, 96), (1, 20, 8, 400)]

variants = pytest.mark.parametrize("variant", VARIANTS, ids=str)


def test_number_of_threads_comes_from_the_call_the_environment_or_is_one(monkeypatch):
    monkeypatch.delenv("GRUTA_THREADS", raising=False)
    assert kernels.threads() == 1
    monkeypatch.setenv("GRUTA_THREADS", "")
    assert kernels.threads() == 1
    monkeypatch.setenv("GRUTA_THREADS", "3")
    assert kernels.threads() == 3
    assert kernels.threads(2) == 2
    assert kernels.threads(np.int64(2)) == 2
    assert 1 <= kernels.threads(2**80) < 2**31


@pytest.mark.parametrize("bad", ["0", "-1", "two", "1.5", "2 3"])
def test_bad_number_of_threads_in_the_environment_is_refused_on_use(bad, monkeypatch):
    monkeypatch.setenv("GRUTA_THREADS", bad)
    message = f"GRUTA_THREADS must be an integer of at least 1, got '{bad}': correct it"
    arrays = VARIANTS[0].draw(np.random.default_rng(0), 2, 3, 4, 5, np.float32)
    with pytest.raises(InputError, match=message):
        VARIANTS[0].sequence(arrays)
    with pytest.raises(InputError, match=message):
        VARIANTS[0].step(arrays).sequence(arrays.x, *arrays.initial)
    VARIANTS[0].sequence(arrays, threads=1)


@pytest.mark.parametrize("bad", [0, -1, 1.5, "two", [2]])
def test_bad_number_of_threads_in_a_call_is_refused(bad):
    arrays = VARIANTS[0].draw(np.random.default_rng(0), 2, 3, 4, 5, np.float32)
    with pytest.raises(ValueError, match="threads must be an integer of at least 1, got"):
        VARIANTS[0].sequence(arrays, threads=bad)
    with pytest.raises(ValueError, match="threads must be an integer of at least 1, got"):
        VARIANTS[0].step(arrays, threads=bad)


@variants
def test_threads_that_share_a_step_give_the_same_bits(variant):
    arrays = variant.draw(np.random.default_rng(6), 1, 5, 700, 900, np.float32)
    shape = (1, 1, 700, arrays.initial[-1].shape[1], arrays.initial[0].shape[1])
    assert kernels.layer_plan(variant.kernel, shape, 1, 2) == (1, 2, True)
    found = []
    for threads in (1, 2):
        cell, initial = variant.step(arrays, threads=threads), [s.copy() for s in arrays.initial]
        for x in arrays.x:
            cell.step(x, *initial)
        found.append(initial)
    assert_same(*found)


@variants
def test_calls_at_once_do_not_disturb_each_other(variant):
    rng = np.random.default_rng(5)
    tasks = [variant.draw(rng, *sizes, np.float32) for sizes in [SHARED[0]] * 3 + [SHARED[1]]]
    expected = [variant.sequence(task) for task in tasks]
    cell = variant.step(tasks[0])  # one for all that share its sizes
    stepped = [cell.sequence(task.x, *task.initial) for task in tasks[:3]]
    failures = []

    def work(i):
        try:
            for _ in range(5):
                assert_same(variant.sequence(tasks[i], threads=2), expected[i])
                if i < len(stepped):
                    found = cell.sequence(tasks[i].x, *tasks[i].initial, threads=2)
                    assert_same(found, stepped[i])
                    states = [state.copy() for state in tasks[i].initial]
                    for x in tasks[i].x:
                        cell.step(x, *states)
                    assert_same(states, stepped[i][1:])
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(tasks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork"
)
def test_a_forked_child_computes_with_threads_of_its_own():
    program = f"""
import os
import numpy as np
from gruta.tests.variants import VARIANTS, assert_same

variant = VARIANTS[0]
tasks = [variant.draw(np.random.default_rng(0), *sizes, np.float32) for sizes in {SHARED}]
expected = [variant.sequence(task, threads=2) for task in tasks]
child = os.fork()
if child == 0:
    failed = 1
    try:
        for task, truth in zip(tasks, expected):
            assert_same(variant.sequence(task, threads=2), truth)
        failed = 0
    finally:
        os._exit(failed)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
for task, truth in zip(tasks, expected):
    assert_same(variant.sequence(task, threads=2), truth)
"""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
