"""Series in many files, a run to forecast them, and what came of it."""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gruta.tasks.forecast import Forecaster
from gruta.tasks.forecast.many import here
from gruta.tasks.forecast.many.work import Worker

SMALL = {"hidden": 4, "steps": 4, "batch_size": 8, "validate_every": 2, "horizon": 3}


def rows_of(name, count, seed, value=None):
    """Days of a series with a week."""
    day = np.arange(count)
    y = 10 + 3 * np.sin(2 * np.pi * day / 7) + np.random.default_rng(seed).normal(size=count)
    first = dt.datetime(2024, 1, 1)
    stamps = [first + dt.timedelta(days=int(d)) for d in day]
    return pl.DataFrame(
        {"unique_id": [name] * count, "ds": stamps, "y": y if value is None else [value] * count}
    )


def shops(first, count, rows=60):
    return pl.concat(rows_of(f"s{i:02}", rows - i, i) for i in range(first, first + count))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    place = tmp_path_factory.mktemp("many") / "run"
    Forecaster(**SMALL).fit(shops(0, 8)).save(place)
    return place


@pytest.fixture
def folder(tmp_path):
    """Four series in a file, five in one that is in the order of time, three in a folder."""
    place = tmp_path / "in"
    (place / "region=SP").mkdir(parents=True)
    shops(0, 4).write_parquet(place / "a.parquet")
    shops(4, 5).sort("ds").write_parquet(place / "b.parquet", row_group_size=50)
    frame = shops(9, 3).to_pandas().set_index("ds").rename_axis(None)
    frame.to_parquet(place / "region=SP" / "c.parquet")
    (place / "_SUCCESS").touch()
    (place / ".hidden.parquet").touch()
    return place


@pytest.fixture
def in_this_process(monkeypatch):
    """Processes of their own take a second each to begin."""

    def engine(parts, start, workers):
        return map(Worker(*start), parts)

    monkeypatch.setattr(here, "done_here", engine)


def outputs(place):
    return {p.relative_to(place).as_posix(): p for p in sorted(Path(place).rglob("*.parquet"))}


def contents(place):
    return {name: path.read_bytes() for name, path in outputs(place).items()}


def forecasts(place):
    found = [pl.read_parquet(path) for path in outputs(place).values()]
    return pl.concat(found).sort("unique_id", "ds")


class Stopped(Exception):
    """By who watches."""


def stopping(after):
    def watch(standing):
        if standing.parts == after:
            raise Stopped

    return watch
