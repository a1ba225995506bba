"""What `gruta bench` says while it measures."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from gruta.bench.cases import Case
from gruta.bench.measure import Watch
from gruta.bench.names import (
    megabytes,
    regime_name,
    rival_name,
    significant,
    sizes,
    threads_name,
)
from gruta.bench.results import Row
from gruta.locale import translate as _
from gruta.locale.numbers import MISSING


class Lines:
    """Progress on standard error: a line a row."""

    def __init__(self) -> None:
        self._place = ""

    def begins(self, done: int, total: int, case: Case, threads: int) -> None:
        """Keep where we are."""
        self._place = f"{done + 1}/{total}"

    def ends(self, row: Row) -> None:
        """One line."""
        self.note(f"{self._place} {_summary(row)}")

    def note(self, message: str) -> None:
        """One line."""
        print(message, file=sys.stderr, flush=True)


@contextmanager
def watching() -> Iterator[Watch]:
    """The progress that suits standard error: on a terminal with a line that says what runs."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Lines()
        return
    with console.status(_("starting")) as status:

        class Live(Lines):
            def begins(self, done: int, total: int, case: Case, threads: int) -> None:
                super().begins(done, total, case, threads)
                status.update(f"{self._place} {_label(case, threads)}")

            def note(self, message: str) -> None:
                console.print(message, markup=False, highlight=False)

        yield Live()


def _label(case: Case, threads: int) -> str:
    parts = (case.cell.upper(), regime_name(case.regime), sizes(case), threads_name(threads))
    return ", ".join(parts)


def _summary(row: Row) -> str:
    """The rates of a row, or its times or bytes where there are none."""
    parts = []
    for rival in dict.fromkeys(o.rival for o in row.outcomes):
        best = row.of(rival)
        rate = row.gflops(best) if best else None
        value = f"{significant(rate)}" if rate else MISSING
        value = megabytes(best.peak) if best and best.peak else value
        parts.append(f"{rival_name(rival)} {value}")
    unit = "" if row.case.regime == "memory" else " GFLOP/s"
    return f"{_label(row.case, row.threads)}: {', '.join(parts)}{unit}"
