"""Parts on the cores of this machine, each in a process that may die."""

import atexit
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait as wait_for
from pathlib import Path
from typing import Any

from gruta.cluster import ONE_CORE
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.tasks.forecast.many.files import Place
from gruta.tasks.forecast.many.parts import Part
from gruta.tasks.forecast.many.work import Done, Question, Worker

TRIES = 2
"""So often a part is tried alone once a process died while it was under way."""

_SPAWN = multiprocessing.get_context("spawn")

Start = tuple[Path, Question, str, Place]


class Beginning:
    """Whether any process of a pool has come so far that it takes parts, and what kept one back."""

    def __init__(self) -> None:
        self._begun, self._problems = _SPAWN.Event(), _SPAWN.SimpleQueue()

    @contextmanager
    def told(self) -> Iterator[None]:
        """Around what comes before the first part, in such a process, which ends if that fails."""
        try:
            yield
        except Exception as error:
            reason = (
                str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
            )
            self._problems.put(reason)
            os._exit(1)  # the pool would print where it was raised
        self._begun.set()

    def require(self) -> None:
        """InputError if none has; the first one's reason is told."""
        if self._begun.is_set():
            return
        reason = _("perhaps as memory ran out")
        if not self._problems.empty():
            reason = self._problems.get()
        problem = _("processes end before they take a part: {reason}")
        raise InputError(problem.format(reason=reason))


def done_here(parts: Iterable[Part], start: Start, workers: int) -> Iterator[Done]:
    """Each part as it is done with, in `workers` processes; start: of their `Worker`.

    Which of the parts under way made a process die cannot be told: they are tried again one at a
    time, and one that does so alone is given up. InputError where processes end before any of them
    has begun with a part, as the next ones would too.
    """
    left, suspects, tries = deque(parts), deque[Part](), dict[Part, int]()
    while left or suspects:
        lone = bool(suspects)
        queue, count = (suspects, 1) if lone else (left, workers)
        under_way = yield from _until_one_dies(queue, start, count, ahead=0 if lone else count)
        for part in under_way if lone else ():
            tries[part] = tries.get(part, 0) + 1
            if tries[part] >= TRIES:
                yield Done(part, problem=_died(part))
                under_way = [one for one in under_way if one is not part]
        suspects.extendleft(reversed(under_way))


def _until_one_dies(
    queue: deque[Part], start: Start, workers: int, ahead: int
) -> Generator[Done, None, list[Part]]:
    """Take parts from the queue; once a process dies, the parts that were under way are returned.

    ahead: so many more than there are processes are handed out at once.
    """
    under_way: dict[Future[Done], Part] = {}
    beginning = Beginning()
    with _pool(start, workers, beginning) as pool:
        try:
            while queue or under_way:
                while queue and len(under_way) < workers + ahead:
                    part = queue.popleft()
                    try:
                        with _deaf():
                            future = pool.submit(_answer, part)
                        under_way[future] = part
                    except BrokenProcessPool:
                        queue.appendleft(part)
                        raise
                ready, _rest = wait(under_way, return_when=FIRST_COMPLETED)
                for future in ready:
                    done = future.result()
                    del under_way[future]
                    yield done
        except BrokenProcessPool:
            beginning.require()
            found = [future for future in under_way if not _is_done(future)]
            for future in under_way.keys() - set(found):
                yield future.result()
            return [under_way[future] for future in found]
    return []


def _is_done(future: "Future[Done]") -> bool:
    return future.done() and future.exception() is None


@contextmanager
def _pool(start: Start, workers: int, beginning: Beginning) -> Iterator[ProcessPoolExecutor]:
    """Processes that are gone afterwards, whatever they are at."""
    before = set(multiprocessing.active_children())
    with _environment(ONE_CORE):
        pool = ProcessPoolExecutor(workers, _SPAWN, _begin, (beginning, *start))
        try:
            yield pool
            pool.shutdown()
        except BaseException:
            for process in set(multiprocessing.active_children()) - before:
                process.kill()
            pool.shutdown(cancel_futures=True)
            raise


@contextmanager
def _deaf() -> Iterator[None]:
    """Processes that begin meanwhile hear no interrupt: that is for this one."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Of processes that begin meanwhile."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


_workers: list[Worker] = []
"""Of this process: one."""


def _begin(beginning: Beginning, *start: Any) -> None:
    """As a process begins; without its parent it ends."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    atexit.register(_workers.clear)  # the kernels' own memory goes before the interpreter does
    with beginning.told():
        _workers.append(Worker(*start))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait_for([parent.sentinel])
    os._exit(1)


def _answer(part: Part) -> Done:
    return _workers[0](part)


def _died(part: Part) -> str:
    problem = _(
        "{label}: the process that forecast it was killed {count} times, perhaps as memory ran "
        "out; take smaller parts (part_rows)"
    )
    return problem.format(label=part.label, count=TRIES + 1)
