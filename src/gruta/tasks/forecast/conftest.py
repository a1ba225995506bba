import datetime as dt

import numpy as np
import polars as pl
import pytest

from gruta.codec.series.conftest import random_table
from gruta.codec.series.series import Columns, Series
from gruta.data.series import read_series
from gruta.tasks.forecast import Forecaster

ROWS = 420
"""Seventeen days: the week is too long to count as a season, the day is not."""

COLUMNS = Columns(known=("plan",), past=("wind",))
SMALL = {
    "known": ("plan",),
    "past": ("wind",),
    "horizon": 3,
    "lookback": 24,
    "hidden": 5,
    "steps": 12,
    "batch_size": 8,
    "log_every": 1,
    "validate_every": 4,
    "checkpoint_every": 4,
}
"""A forecaster that trains in a moment."""


def hourly(rows: int = ROWS, seed: int = 0) -> pl.DataFrame:
    """A daily cycle whose height the plan doubles, and wind that is felt an hour later."""
    rng = np.random.default_rng(seed)
    hours = np.arange(rows)
    plan = (rng.random(rows) < 0.3).astype(float)
    wind = rng.normal(size=rows)
    cycle = np.sin(2 * np.pi * hours / 24) * (1 + plan)
    y = 20 + 3 * cycle + np.r_[0.0, wind[:-1]] + 0.2 * rng.normal(size=rows)
    start = dt.datetime(2024, 1, 1)
    stamps = [start + dt.timedelta(hours=int(h)) for h in hours]
    return pl.DataFrame({"ds": stamps, "y": y, "plan": plan, "wind": wind})


@pytest.fixture(scope="package")
def frame() -> pl.DataFrame:
    return hourly()


@pytest.fixture(scope="package")
def series(frame: pl.DataFrame) -> Series:
    return read_series(frame, COLUMNS)


@pytest.fixture(scope="package")
def fitted(frame: pl.DataFrame) -> Forecaster:
    return Forecaster(**SMALL).fit(frame)


__all__ = ["COLUMNS", "ROWS", "SMALL", "hourly", "random_table"]


@pytest.fixture
def undrawn(monkeypatch):
    """A page has its words alone: to draw its charts takes most of the time."""
    monkeypatch.setattr("gruta.report.page.png", lambda _: b"")
    monkeypatch.setattr("gruta.report.page._svg", lambda _: b"")


def to_come(frame, rows=3):
    """`frame` with its last rows made rows to come: no target, no wind."""
    unknown = pl.int_range(pl.len()) >= pl.len() - rows
    return frame.with_columns(
        [pl.when(unknown).then(None).otherwise(pl.col(name)).alias(name) for name in ("y", "wind")]
    )


def weights(forecaster):
    return {name: w.tobytes() for name, w in forecaster.trained_.weights.items()}


def codec(forecaster):
    return forecaster.trained_.codec.to_json()


def columns_of(forecast):
    return {name: list(forecast[name]) for name in forecast.columns}


def changed(frame, rows, **factors):
    """`frame` with these columns multiplied in these rows."""
    at = pl.int_range(pl.len()).is_between(rows.start, rows.stop, closed="left")
    return frame.with_columns(
        [
            pl.when(at).then(pl.col(name) * factor).otherwise(pl.col(name)).alias(name)
            for name, factor in factors.items()
        ]
    )
