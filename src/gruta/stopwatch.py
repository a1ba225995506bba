"""Where the time of a loop goes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Seconds by the name of the part of the work; `before` are seconds of an earlier process."""

    def __init__(self, before: float = 0.0) -> None:
        self.seconds: dict[str, float] = {}
        self._before = before
        self._start = time.perf_counter()

    @property
    def total(self) -> float:
        """All seconds so far, those of an earlier process included."""
        return self._before + time.perf_counter() - self._start

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        """Count what runs inside towards `part`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[part] = self.seconds.get(part, 0.0) + time.perf_counter() - start
