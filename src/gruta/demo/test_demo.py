"""The demo's comparison, on a short series of the same form; the real one is never trained here."""

import datetime as dt
import json
from contextlib import nullcontext

import numpy as np
import polars as pl
import pytest

from gruta.codec.series.encoding import Encoding
from gruta.codec.series.series import Series
from gruta.data.series import read_series
from gruta.demo import run as demo
from gruta.demo.report import write_report
from gruta.demo.rich_linear import rich_linear
from gruta.demo.run import CELLS, COLUMNS, Job, equal_sizes, fit, forecaster, run_job, write_summary
from gruta.demo.seeds import run_seeds, smape_by_origin
from gruta.errors import InputError
from gruta.locale import spoken
from gruta.tasks.forecast.network import ForecastNetwork
from gruta.tasks.forecast.split import Parts
from gruta.train import Progress

ROWS = 1800
"""Over five weeks of half-hours: the week counts as a season."""

JOB = Job("next-2", "The next 2 half-hours", horizon=2, stride=2)


def half_hourly(noise: float) -> Series:
    """Demand that follows the time of day, otherwise on working days, and cooling above 25 °C."""
    rng, row = np.random.default_rng(0), np.arange(ROWS)
    workday = (row // 48 % 7 < 5).astype(float)
    cycle = np.sin(2 * np.pi * (row % 48) / 48)
    temperature = 20 + 8 * cycle + 3 * rng.normal(size=ROWS)
    y = 5 + cycle * (1 + 0.5 * workday) + 0.2 * np.maximum(temperature - 25, 0)
    start = dt.datetime(2024, 1, 1)
    frame = pl.DataFrame(
        {
            "ds": [start + dt.timedelta(minutes=30 * int(i)) for i in row],
            "demand": y + noise * rng.normal(size=ROWS),
            "workday": workday,
            "temperature": temperature,
        }
    )
    return read_series(frame, COLUMNS)


@pytest.fixture(scope="module")
def series() -> Series:
    return half_hourly(noise=0.05)


@pytest.mark.parametrize("horizon", [1, 3])
def test_rich_linear_model_finds_an_exact_truth_of_its_form(horizon):
    exact = half_hourly(noise=0.0)
    origins = np.arange(1600, 1700, 7)
    forecast, size = rich_linear(exact, 1500, origins, horizon)
    truth = exact.target[origins[:, None] + np.arange(1, horizon + 1)]
    # The ridge penalty leaves a trace.
    np.testing.assert_allclose(forecast, truth, atol=3e-3)
    assert size == horizon * (96 + 3 * 48 + 1 + 4 + 4 + 3 + 1)


def test_rich_linear_model_sees_the_training_part_and_the_past_alone(series):
    origins = np.array([1600])
    before, _ = rich_linear(series, 1500, origins, 2)
    other = half_hourly(noise=0.05)
    other.target[1601:] = 99
    other.target[1500:1504] = 99  # between training and the lags
    assert np.array_equal(rich_linear(other, 1500, origins, 2)[0], before)
    other.target[1600] += 1
    assert not np.array_equal(rich_linear(other, 1500, origins, 2)[0], before)


def test_all_cells_have_about_as_many_parameters(series):
    sizes = equal_sizes(JOB, series)
    assert sizes["gru"] == demo.HIDDEN
    settings = {cell: forecaster(JOB, cell, sizes[cell]).settings for cell in CELLS}
    parts = Parts.of(series, settings["gru"])
    table = Encoding.fit(series, parts.train, demo.LOOKBACK, JOB.horizon).table(series)
    counts = [
        sum(p.numel() for p in ForecastNetwork.of(table, settings[cell]).parameters())
        for cell in CELLS
    ]
    assert max(counts) <= 1.02 * counts[0]
    assert min(counts) >= 0.98 * counts[0]


def test_data_is_left_with_a_day_to_come_and_reads_as_it_was(series, tmp_path):
    whole, coming = (read_series(path, COLUMNS) for path in demo.write_data(tmp_path, series))
    assert whole.fingerprint() == series.fingerprint()
    assert (len(coming), coming.observed) == (ROWS, ROWS - 48)


def test_smape_by_origin_by_hand():
    truth, forecast = np.array([[1.0, 2], [0, 4]]), np.array([[2.0, 2], [0, 2]])
    expected = [200 * (1 / 3 + 0) / 2, 200 * (0 + 2 / 6) / 2]
    assert smape_by_origin(forecast, truth).tolist() == pytest.approx(expected)


class Notes(Progress):
    def __init__(self):
        self.notes = []

    def note(self, message):
        self.notes.append(message)


@pytest.fixture
def brief(monkeypatch):
    """The job's forecasters with a few steps only."""
    whole = demo.forecaster

    def with_few_steps(job, cell, hidden, seed=0):
        return whole(job, cell, min(hidden, 8), seed).set_params(steps=2, batch_size=4)

    monkeypatch.setattr(demo, "forecaster", with_few_steps)
    monkeypatch.setattr("gruta.demo.seeds.forecaster", with_few_steps)
    monkeypatch.setattr(demo, "equal_sizes", lambda *_: dict.fromkeys(CELLS, 8))


def quiet(title, steps):
    return nullcontext(Progress())


def test_summary_has_a_record_a_model(series, tmp_path, brief):
    result = run_job(JOB, series, tmp_path, quiet)
    write_summary(tmp_path / "summary.json", [result])
    records = json.loads((tmp_path / "summary.json").read_text())
    simple = ["naive", "drift", "seasonal naive 48", "seasonal naive 336", "linear", "linear rich"]
    assert [r["model"] for r in records] == [*CELLS, *simple]
    keys = {"model", "job", "parameters", "train_seconds", "test_smape", "test_mae", "test_mase"}
    for record in records:
        assert set(record) == keys | ({"coverage"} if record["model"] in CELLS else set())
        assert record["job"] == "next-2"
    assert all(record["train_seconds"] > 0 for record in records if record["parameters"])
    smape = smape_by_origin(result.evaluations["gru"].median, result.evaluations["gru"].truth)
    assert records[0]["test_smape"] == pytest.approx(smape.mean())


def test_report_tells_of_every_model(series, tmp_path, brief):
    with spoken("en"):
        page = write_report(tmp_path, [run_job(JOB, series, tmp_path, quiet)]).read_text()
    for model in ("GRU", "LSTM", "RNN", "naive", "seasonal naive, 48 steps", "rich linear"):
        assert model in page


def test_seeds_are_compared_in_pairs_with_the_rich_linear_model(series, tmp_path, brief):
    scores = run_seeds(JOB, series, range(2), tmp_path, quiet)
    assert list(scores.by_seed) == [0, 1]
    assert scores.mean == pytest.approx(sum(scores.by_seed.values()) / 2)
    assert scores.difference == pytest.approx(scores.mean - scores.rich)
    assert scores.deviation == pytest.approx(np.std(list(scores.by_seed.values()), ddof=1))
    assert scores.standard_error > 0


def test_finished_run_is_reused_and_a_stale_one_trained_anew(series, tmp_path):
    def small(**given):
        return forecaster(JOB, "gru", 4).set_params(steps=2, batch_size=4, **given)

    notes, run = Notes(), tmp_path / "run"
    fit(small(), series, run, lambda *_: nullcontext(notes))
    first = (run / "model.safetensors").stat().st_mtime_ns
    assert fit(small(), series, run, lambda *_: nullcontext(notes)).stopwatch_.seconds == {}
    assert notes.notes == []
    fit(small(seed=1), series, run, lambda *_: nullcontext(notes))
    assert len(notes.notes) == 1
    assert "another seed; resume" in notes.notes[0]
    assert (run / "model.safetensors").stat().st_mtime_ns > first


def test_directory_that_is_no_run_is_never_removed(series, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="exists already"):
        fit(forecaster(JOB, "gru", 4), series, tmp_path, quiet)
    assert (tmp_path / "notes.txt").read_text() == "mine"
