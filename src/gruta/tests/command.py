"""The command line as the tests call it, and a small series for it to read."""

import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ROWS = 300
SHORT = "--horizon 2 --lookback 24 --hidden 4 --batch-size 4 --steps 6 --log-every 1"
PROGRAM = [sys.executable, "-m", "gruta"]


@dataclass
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


Gruta = Callable[..., Done]


def short(*options: Any) -> list[str]:
    """The options of a training of moments; these take the place of its own."""
    given, own = list(map(str, options)), SHORT.split()
    pairs = zip(own[::2], own[1::2], strict=True)
    return [part for pair in pairs if pair[0] not in given for part in pair] + given


def launch(*arguments: Any, **environment: str) -> subprocess.Popen[str]:
    """A process of its own, which takes signals."""
    return subprocess.Popen(
        [*PROGRAM, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "GRUTA_LANG": "en"} | environment,
    )


def launched(*arguments: Any, **environment: str) -> Done:
    """How a process of its own ended."""
    process = launch(*arguments, **environment)
    out, err = process.communicate(timeout=120)
    return Done(process.returncode, out, err)


def value(hour: int) -> float:
    """Of the series: a day's wave, and something that repeats every 13 hours."""
    return round(10 + 3 * math.sin(2 * math.pi * hour / 24) + (hour * 7919 % 13) / 10, 3)


def stamp(hour: int) -> str:
    """Of the series, as the file has it."""
    return f"2024-01-{1 + hour // 24:02} {hour % 24:02}:00"


def table(rows: int = ROWS, **replaced: str) -> str:
    """An hourly CSV file; `row_5="..."` replaces row 5, which is line 6."""
    lines = [f"{stamp(hour)},{value(hour)}" for hour in range(rows)]
    for name, line in replaced.items():
        lines[int(name.removeprefix("row_")) - 1] = line
    return "\n".join(["ds,y", *lines]) + "\n"


def rejects(done: Done, *words: str) -> None:
    """Exit status 2 and one message of these words; no traceback, nothing on standard output."""
    assert done.code == 2, done
    assert "Traceback" not in done.err
    assert done.out == ""
    message = " ".join(done.err.split())
    for word in words:
        assert word in message, message
