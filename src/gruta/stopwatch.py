"""Where the time of a loop goes."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class Stopwatch:
    """Seconds by the name of the part of the work; `before` are seconds of an earlier process."""

    def __init__(self, before: float = 0.0) -> None:
        self.seconds: dict[str, float] = {}
        self._before = before
        self._start = time.perf_counter()
        self._stopped: float | None = None

    @property
    def total(self) -> float:
        """All seconds so far, or until `stop`, those of an earlier process included."""
        until = time.perf_counter() if self._stopped is None else self._stopped
        return self._before + until - self._start

    def stop(self) -> None:
        """Let `total` stand still."""
        self._stopped = time.perf_counter()

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        """Count what runs inside towards `part`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[part] = self.seconds.get(part, 0.0) + time.perf_counter() - start


def together(watches: Sequence[Stopwatch]) -> Stopwatch:
    """One that stands still, with the seconds of all."""
    found = Stopwatch(sum(watch.total for watch in watches))
    found.stop()
    for watch in watches:
        for part, seconds in watch.seconds.items():
            found.seconds[part] = found.seconds.get(part, 0.0) + seconds
    return found
