"""The main job on real data: GRU, LSTM and RNN forecast electricity demand, and are compared.

Every network gets the same budget: the same optimiser steps, and as many parameters as the GRU.
"""

import json
import shutil
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gruta.cells import CELLS
from gruta.codec.series.series import Columns, Series
from gruta.data.electricity import electricity_demand
from gruta.data.series import read_series
from gruta.demo.results import JobResult
from gruta.demo.rich_linear import NAME, rich_linear
from gruta.errors import InputError, InUse
from gruta.files import write_atomically
from gruta.locale import translate as _
from gruta.runs import METRICS, Run, read_metrics
from gruta.runs.summary import SCORES
from gruta.surroundings import threads
from gruta.tasks.compare import same_budget
from gruta.tasks.forecast import Forecaster
from gruta.tasks.forecast.evaluation import Evaluation
from gruta.tasks.forecast.scores import mase, point_scores
from gruta.tasks.forecast.split import Parts
from gruta.tasks.forecast.task import TASK
from gruta.tasks.scores import Scores, to_json
from gruta.train import Progress

LOOKBACK = 96
DAY = 48
HIDDEN = 48
COLUMNS = Columns("ds", "demand", known=("workday", "temperature"))
OpenProgress = Callable[[str, int], AbstractContextManager[Progress]]


@dataclass(frozen=True)
class Job:
    """What is to be forecast: `horizon` steps, from every `stride`-th row of the test part."""

    key: str
    title: str
    horizon: int
    stride: int


JOBS = (
    Job("next-half-hour", "The next half-hour", horizon=1, stride=1),
    Job("next-48", "The next 48 half-hours", horizon=48, stride=48),
)


def demand() -> Series:
    """The demo's series."""
    return read_series(electricity_demand(), COLUMNS)


def write_data(directory: Path, series: Series) -> tuple[Path, Path]:
    """Leave the data for commands of one's own: demand.csv, and coming.csv, the same history with
    the demand of its last day still to come.
    """
    columns = {COLUMNS.time: series.times, COLUMNS.target: series.target}
    columns |= {name: series.known[:, i] for i, name in enumerate(COLUMNS.known)}
    table = pl.DataFrame(columns)
    known = pl.int_range(pl.len()) < len(table) - DAY
    coming = table.with_columns(pl.when(known).then(pl.col(COLUMNS.target)))
    paths = directory / "demand.csv", directory / "coming.csv"
    directory.mkdir(parents=True, exist_ok=True)
    for path, rows in zip(paths, (table, coming), strict=True):
        write_atomically(path, rows.write_csv(datetime_format="%Y-%m-%dT%H:%M").encode())
    return paths


def run_job(job: Job, series: Series, directory: Path, progress: OpenProgress) -> JobResult:
    """Train and score each cell, a run each in `directory`; finished runs are not trained again."""
    runs = {cell: directory / f"{job.key}-{cell}" for cell in CELLS}
    sizes = equal_sizes(job, series)
    fitted = {
        cell: fit(forecaster(job, cell, sizes[cell]), series, runs[cell], progress)
        for cell in CELLS
    }
    evaluations: dict[str, Evaluation] = {
        c: fitted[c].evaluate(series, stride=job.stride) for c in CELLS
    }
    for cell in CELLS:
        found = evaluations[cell]
        Run(runs[cell]).write_json(SCORES, to_json(found.scores, found.lost_to))
    start = time.perf_counter()
    with threads(1):
        rich, rich_forecast = score_rich_linear(evaluations["gru"], fitted["gru"], series)
    seconds: dict[str, float] = {cell: fitted[cell].train_seconds_ for cell in CELLS}
    seconds |= dict.fromkeys(evaluations["gru"].baselines, 0.0)
    seconds |= {
        "linear": fitted["gru"].linear_seconds_,
        rich.model: time.perf_counter() - start,
    }
    return JobResult(
        key=job.key,
        title=job.title,
        evaluations=evaluations,
        rich=rich,
        rich_forecast=rich_forecast,
        train_seconds=seconds,
        metrics={cell: read_metrics(runs[cell] / METRICS) for cell in CELLS},
        settings={cell: fitted[cell].settings for cell in CELLS},
        profiles={cell: fitted[cell].stopwatch_.seconds for cell in CELLS},
    )


def forecaster(job: Job, cell: str, hidden: int, seed: int = 0) -> Forecaster:
    """The untrained forecaster of a job."""
    return Forecaster(
        time=COLUMNS.time,
        target=COLUMNS.target,
        known=COLUMNS.known,
        horizon=job.horizon,
        lookback=LOOKBACK,
        cell=cell,
        hidden=hidden,
        seed=seed,
    )


def equal_sizes(job: Job, series: Series) -> dict[str, int]:
    """Hidden units of each cell, so that all networks have about the GRU's number of parameters."""
    budget = same_budget(TASK, series, forecaster(job, "gru", HIDDEN).settings)
    return {cell: settings.hidden for cell, settings in budget.items()}


def fit(
    forecaster: Forecaster, series: Series, directory: Path, progress: OpenProgress
) -> Forecaster:
    """`forecaster`, trained in `directory`, or found there if it was trained before."""
    with progress(directory.name, forecaster.settings.steps) as shown:
        if (directory / "run.json").is_file():
            try:
                return forecaster.fit(series, run=directory, resume=True, progress=shown)
            except InUse:
                raise
            except InputError as error:
                shown.note(_("{error}; training anew").format(error=error))
                shutil.rmtree(directory)
        return forecaster.fit(series, run=directory, progress=shown)


def score_rich_linear(
    evaluation: Evaluation, fitted: Forecaster, series: Series
) -> tuple[Scores, NDArray[np.float64]]:
    """The rich linear model's score and forecasts at the origins of `evaluation`."""
    horizon = fitted.settings.horizon
    train_rows = int(Parts.of(series, fitted.settings).train[0])
    forecast, size = rich_linear(series, train_rows, evaluation.origins, horizon)
    values = point_scores(evaluation.truth, {NAME: forecast})[NAME]
    unit = fitted.trained_.codec.seasonal_errors[0]
    more = {"mase": mase(values["mae"], unit), "coverage": None}
    return Scores(NAME, size, values | more), forecast


def write_summary(path: Path, jobs: list[JobResult]) -> None:
    """Write summary.json: a record for each model and baseline and each job."""
    records = [_record(job, score) for job in jobs for score in job.scores]
    write_atomically(path, json.dumps(records, indent=1, allow_nan=False).encode())


def _record(job: JobResult, score: Scores) -> dict[str, Any]:
    record = {
        "model": score.model,
        "job": job.key,
        "parameters": score.parameters,
        "train_seconds": round(job.train_seconds[score.model], 2),
        "test_smape": score.smape,
        "test_mae": score.mae,
        "test_mase": score.mase,
    }
    inside = score.values.get("coverage")
    return record if inside is None else record | {"coverage": inside}
