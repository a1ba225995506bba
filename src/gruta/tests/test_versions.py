"""What a released version wrote is read by every later one."""

import shutil
from pathlib import Path

import polars as pl
import pytest
import torch
from polars.testing import assert_frame_equal

import gruta
from gruta.runs import MODEL, Run
from gruta.tasks.registry import task_of
from gruta.tasks.trained import settings_of
from gruta.weights import read_tensors

RELEASES = sorted(path for path in Path(__file__).with_name("data").iterdir())
"""A folder a version: series.csv, a run that was stopped half-way, the same run once it had
finished, and what it forecast."""

every_release = pytest.mark.parametrize("left", RELEASES, ids=lambda path: path.name)


@every_release
def test_finished_run_forecasts_what_it_forecast_then(left):
    assert Run.open(left / "finished").task == "forecast"
    found = gruta.Forecaster.load(left / "finished").predict(left / "series.csv")
    then = pl.read_csv(left / "forecast.csv", try_parse_dates=True)
    assert_frame_equal(found, then, check_dtypes=False, rel_tol=1e-5)


@every_release
def test_stopped_run_goes_on_to_the_weights_that_it_came_to_then(left, tmp_path):
    path = shutil.copytree(left / "stopped", tmp_path / "run")
    settings = settings_of(Run.open(path), task_of(path))
    gruta.Forecaster(**settings).fit(left / "series.csv", run=path, resume=True)
    weights, then = (read_tensors(Run.open(p), MODEL)[0] for p in (path, left / "finished"))
    torch.testing.assert_close(weights, then, rtol=1e-4, atol=1e-6)
