"""How much memory very many rows take, in processes of their own."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gruta.bench.process import environment
from gruta.resident import forget_peak, resident

Places = NDArray[np.int64]
Order = Literal["series", "time", "shuffled"]
Kind = Literal["parquet", "csv"]
STAGES = ("read", "train")
_AT_ONCE = 100_000


@dataclass(frozen=True)
class Layout:
    """How a file's rows lie: a series behind the other, in the order of time, or shuffled.

    missing: the share of rows that are not there. kind: parquet or csv.
    """

    order: Order = "series"
    missing: float = 0.0
    kind: Kind = "parquet"


@dataclass(frozen=True)
class Peak:
    """Of one stage: the largest resident size of a process above what it has after the imports.

    stage: read; or train, one step, with all that comes before and after. size, data: in bytes, the
    latter of the columns unique_id, ds and y as float32 ones.
    """

    stage: str
    layout: Layout
    series: int
    rows: int
    size: int
    data: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.stage}: {self.size / 1e6:.0f} MB, {self.times:.2f}×, {self.seconds:.0f} s"

    @property
    def times(self) -> float:
        """As a multiple of the data as float32 columns."""
        return self.size / self.data


def peaks(series: int, rows: int, layout: Layout) -> Iterator[Peak]:
    """Of a file of so many series, of `rows` days together."""
    with TemporaryDirectory() as place:
        path, small = (Path(place, f"{name}.{layout.kind}") for name in ("many", "few"))
        write(path, series, rows // series, layout)
        write(small, 2, 100, layout)
        for stage in STAGES:
            yield Peak(stage, layout, series, rows, data=3 * 4 * rows, **_asked(stage, path, small))


def write(path: Path, series: int, days: int, layout: Layout, first: int = 0) -> None:
    """Series of different levels, each with a week, some rows at a time, each a row group; first:
    the number of the first, by which they are called.
    """
    import pyarrow as pa

    draw = np.random.default_rng(first)
    names = np.array([f"series-{i:06d}" for i in range(first, first + series)])
    level, begin = draw.uniform(1, 100, series), np.datetime64("2022-01-01", "us")
    schema = pa.schema(
        {"unique_id": pa.string(), "ds": pa.timestamp("us"), "y": pa.float32()}.items()
    )
    with _writer(path, schema) as file:
        for own, at in _tiles(series, days, layout.order):
            kept = draw.random(len(own)) >= layout.missing
            own, at = own[kept], at[kept]
            week = 1 + 0.2 * np.sin(2 * np.pi * at / 7)
            y = level[own] * (week + 0.1 * draw.normal(size=len(own)))
            columns = [names[own], begin + at * np.timedelta64(1, "D"), y]
            arrays = [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)]
            file.write_table(pa.table(arrays, schema=schema))


def _writer(path: Path, schema: Any) -> Any:
    import pyarrow.csv
    import pyarrow.parquet

    if path.suffix == ".csv":
        return pyarrow.csv.CSVWriter(path, schema)
    return pyarrow.parquet.ParquetWriter(path, schema)


def _tiles(series: int, days: int, order: Order) -> Iterator[tuple[Places, Places]]:
    """Of some rows at a time, in their order, of which series and which day each is."""
    rows = series * days
    mixed = np.random.default_rng(1).permutation(rows) if order == "shuffled" else None
    for first in range(0, rows, _AT_ONCE):
        some = np.arange(first, min(first + _AT_ONCE, rows))
        slow, fast = np.divmod(
            some if mixed is None else mixed[some], series if order == "time" else days
        )
        yield (fast, slow) if order == "time" else (slow, fast)


def _asked(stage: str, path: Path, small: Path) -> dict[str, Any]:
    """What a process says that does it with few rows first, which imports all that it needs."""
    command = [sys.executable, "-m", "gruta.bench.rows", stage, str(path), str(small)]
    done = subprocess.run(command, env=environment(1), capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _answer(stage: str, path: str, small: str) -> None:
    """In a process of its own."""
    import gruta.data.spool  # noqa: F401 - which few rows do not need

    do = {"read": _read, "train": _train}[stage]
    do(small)
    before, start = resident("VmRSS"), time.perf_counter()
    forget_peak()  # of the imports
    do(path)
    seconds = time.perf_counter() - start
    answer = {"size": resident("VmHWM") - before, "seconds": seconds}
    sys.stdout.write(json.dumps(answer) + "\n")


def _read(path: str) -> object:
    from gruta.codec.series.series import Columns
    from gruta.data.series import read_series

    return read_series(path, Columns(series="unique_id"))


def _train(path: str) -> object:
    from gruta.tasks.forecast import Forecaster

    return Forecaster(series="unique_id", horizon=7, steps=1).fit(path)


if __name__ == "__main__":
    _answer(*sys.argv[1:])
