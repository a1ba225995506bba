"""From data to a trained forecaster, to the disk and back; what does not fit is refused."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from gruta.codec.series.features import Past, windows
from gruta.data.series import read_series
from gruta.errors import InputError
from gruta.runs import CHECKPOINT, METRICS, Run, read_arrays, read_metrics
from gruta.tasks.forecast import Forecaster
from gruta.tasks.forecast import evaluation as evaluation_module
from gruta.tasks.forecast.conftest import (
    COLUMNS,
    ROWS,
    SMALL,
    changed,
    codec,
    columns_of,
    hourly,
    to_come,
    weights,
)
from gruta.tasks.forecast.statistical import Statistical
from gruta.tasks.forecast.task import TASK

SEEN = ROWS - round(0.1 * ROWS)
TRAINED = SEEN - round(0.1 * ROWS)
FORMS = ("csv", "parquet", "pandas", "polars")


def in_form(frame, form, directory):
    match form:
        case "csv":
            frame.write_csv(directory / "series.csv")
            return directory / "series.csv"
        case "parquet":
            frame.write_parquet(directory / "series.parquet")
            return str(directory / "series.parquet")
        case "pandas":
            return frame.to_pandas()
        case "polars":
            return frame


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_the_data_gives_the_same_numbers(frame, fitted, tmp_path, form):
    forecaster = Forecaster(**SMALL).fit(in_form(frame, form, tmp_path))
    assert weights(forecaster) == weights(fitted)
    assert codec(forecaster) == codec(fitted)
    data = in_form(to_come(frame), form, tmp_path)
    assert forecaster.evaluate(data).scores == fitted.evaluate(to_come(frame)).scores
    forecast = forecaster.predict(data)
    assert isinstance(forecast, pd.DataFrame if form == "pandas" else pl.DataFrame)
    expected = fitted.predict(to_come(frame))
    assert columns_of(forecast) == columns_of(expected)
    assert forecast["ds"].dtype == ("datetime64[us]" if form == "pandas" else pl.Datetime("us"))


def test_a_frame_with_the_time_as_its_index_comes_back_so(frame, fitted):
    pandas = to_come(frame).to_pandas()
    expected = fitted.predict(pandas)
    found = fitted.predict(pandas.set_index("ds"))
    pd.testing.assert_frame_equal(found, expected.set_index("ds"))
    assert fitted.predict(pandas.set_index("ds").rename_axis("when")).index.name == "when"


def test_forecast_of_the_rows_to_come(frame, fitted):
    forecast = fitted.predict(to_come(frame))
    assert forecast.columns == ["ds", "forecast", "q10", "q50", "q90"]
    assert forecast["ds"].to_list() == frame["ds"].to_list()[-3:]
    assert (forecast["q10"] <= forecast["q50"]).all()
    assert (forecast["q50"] <= forecast["q90"]).all()
    assert forecast["forecast"].equals(forecast["q50"], check_names=False)
    assert forecast["forecast"].is_between(8, 32).all()


def test_last_origin_of_an_evaluation_is_that_prediction(frame, fitted):
    evaluation = fitted.evaluate(frame)
    forecast = fitted.predict(to_come(frame))
    assert evaluation.times[-1].tolist() == forecast["ds"].to_list()
    np.testing.assert_allclose(evaluation.median[-1], forecast["forecast"], rtol=1e-5)
    assert evaluation.truth[-1].tolist() == frame["y"].to_list()[-3:]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Sao_Paulo"])
def test_in_a_zone_too_the_first_row_that_is_scored_follows_the_last_that_was_seen(frame, zone):
    forecaster = Forecaster(**SMALL | {"zone": zone}).fit(frame)
    found = forecaster.evaluate(frame)
    codec = forecaster.trained_.codec
    (until,) = codec.encoding.frequency.local(np.array([codec.until]))
    assert found.times[0, 0] == until + np.timedelta64(1, "h")
    assert not found.notes


def test_known_covariates_of_the_rows_to_come_are_required_and_read(frame, fitted):
    other = changed(to_come(frame), range(ROWS - 3, ROWS), plan=0.0)
    other = other.with_columns(plan=pl.col("plan") + (pl.int_range(pl.len()) >= ROWS - 3))
    assert columns_of(fitted.predict(other)) != columns_of(fitted.predict(to_come(frame)))


def test_past_covariates_alone_need_no_rows_to_come(frame):
    forecaster = Forecaster(**SMALL | {"known": ()}).fit(frame)
    forecast = forecaster.predict(frame)
    hour = dt.timedelta(hours=1)
    assert forecast["ds"].to_list() == [frame["ds"][-1] + (i + 1) * hour for i in range(3)]
    assert forecast["forecast"].is_finite().all()
    louder = changed(frame, range(ROWS - 1, ROWS), wind=-5.0)
    assert columns_of(forecaster.predict(louder)) != columns_of(forecast)


def test_every_step_is_decoded_from_the_newest_state(frame, fitted):
    trained, series = fitted.trained_, read_series(frame, COLUMNS)
    table = trained.codec.encoding.table(series)
    newest = np.full((1, 1), table.lookback - 1)
    arrays = windows(table, Past(table), np.array([400]), newest, table.lookback)
    batch = {name: torch.from_numpy(values) for name, values in arrays.items()}
    batch["past"].requires_grad_()
    forecast, _ = trained.network(batch)
    for step in range(3):
        median = forecast[0, 0, step, 1]
        felt = torch.autograd.grad(median, batch["past"], retain_graph=True)[0][0, -1]
        assert felt.abs().sum() > 1e-6


def test_newest_value_moves_the_whole_forecast(frame, fitted):
    before = fitted.predict(to_come(frame))["forecast"]
    moved = changed(to_come(frame), range(ROWS - 4, ROWS - 3), y=1.2)
    change = fitted.predict(moved)["forecast"] - before
    assert (change.abs() > 1e-3).all()


def test_test_part_changes_nothing_that_is_learned(frame, fitted):
    other = changed(frame, range(SEEN, ROWS), y=-7.0, plan=3.0, wind=50.0)
    forecaster = Forecaster(**SMALL).fit(other)
    assert weights(forecaster) == weights(fitted)
    assert codec(forecaster) == codec(fitted)


def test_validation_part_changes_no_scale_and_only_the_linear_path_that_training_ends_with(
    frame, tmp_path
):
    settings = SMALL | {"ridge": 1e-3, "steps": 1}
    other = changed(frame, range(TRAINED, SEEN), y=-7.0, plan=3.0, wind=50.0)
    runs = tmp_path / "one", tmp_path / "two"
    one, two = (
        Forecaster(**settings).fit(data, run=run)
        for data, run in zip((frame, other), runs, strict=True)
    )
    assert one.trained_.codec.encoding.to_json() == two.trained_.codec.encoding.to_json()
    assert one.trained_.codec.seasonal_errors == two.trained_.codec.seasonal_errors
    assert one.trained_.codec.spread.tolist() != two.trained_.codec.spread.tolist()
    learning, later = (read_arrays(Run(run), CHECKPOINT)[0] for run in runs)
    for name, _ in one.trained_.network.named_buffers():
        np.testing.assert_array_equal(learning[f"model/{name}"], later[f"model/{name}"])
    last = [f.trained_.weights["linear.on_lags"] for f in (one, two)]
    np.testing.assert_array_equal(last[0], learning["lesson/last/on_lags"])
    assert np.abs(last[0] - last[1]).max() > 1e-3
    assert np.abs(last[0] - learning["model/linear.on_lags"]).max() > 1e-4


def test_interval_covers_of_what_training_saw_no_less_than_promised(frame, fitted):
    trained = fitted.trained_
    start = frame["ds"][trained.codec.encoding.history]
    evaluation = fitted.evaluate(frame.head(SEEN), start=np.datetime64(start))
    assert trained.codec.until == np.datetime64(frame["ds"][SEEN - 1])
    for i, level in enumerate(trained.settings.quantiles):
        below = (evaluation.truth <= evaluation.quantiles[..., i]).mean()
        if level != 0.5:
            assert abs(below - 0.5) > abs(level - 0.5) - 0.02


def test_interval_is_as_wide_as_if_training_had_not_learned_from_the_rows_before(frame):
    short = frame.head(150)
    forecaster = Forecaster(**SMALL).fit(short)
    trained = forecaster.trained_
    optimism = trained.codec.optimism
    assert optimism > 1.2  # the linear path has half as many weights as rows
    naive = replace(trained, codec=replace(trained.codec, optimism=1.0))
    widths = [
        np.diff(TASK.evaluate(t, short).quantiles[0, :, [0, -1]], axis=0) for t in (trained, naive)
    ]
    assert 1.1 < (widths[0] / widths[1]).mean() < optimism


def test_interval_grows_once_the_errors_have(frame, fitted):
    noise = np.random.default_rng(0).normal(size=ROWS) * 6 * (np.arange(ROWS) >= SEEN)
    calm, wild = (fitted.evaluate(frame.with_columns(y=pl.col("y") + n)) for n in (0, noise))
    widths = [e.quantiles[:, 0, -1] - e.quantiles[:, 0, 0] for e in (calm, wild)]
    assert widths[1][0] == widths[0][0]
    assert widths[1][-1] > 2 * widths[0][-1]
    assert np.array_equal(calm.median[0], wild.median[0])


def test_history_of_the_least_rows_has_the_level_of_when_training_ended(frame, fitted):
    rows = fitted.trained_.codec.encoding.history
    found = fitted.predict(to_come(frame.slice(SEEN - rows, rows + 3)))
    again = fitted.predict(to_come(frame.head(SEEN + 3)))  # which knows the misses before, too
    np.testing.assert_allclose(found["forecast"], again["forecast"], rtol=1e-5)
    np.testing.assert_allclose(found["q90"] - found["q50"], again["q90"] - again["q50"], rtol=0.1)


@pytest.mark.parametrize("cell", ["gru", "rnn"])
def test_counts_are_never_forecast_below_zero(cell):
    rng = np.random.default_rng(0)
    visits = rng.poisson(0.4, ROWS).astype(float)
    counts = hourly().select("ds", y=pl.Series(visits))
    forecaster = Forecaster(horizon=3, lookback=24, hidden=4, steps=4, cell=cell).fit(counts)
    evaluation = forecaster.evaluate(counts)
    assert evaluation.quantiles.min() == 0
    assert evaluation.baselines["linear"].min() >= 0
    assert forecaster.predict(counts)["q10"].min() >= 0
    shifted = counts.with_columns(pl.col("y") - 1)
    below = Forecaster(horizon=3, lookback=24, hidden=4, steps=4, cell=cell).fit(shifted)
    assert below.evaluate(shifted).quantiles.min() < -1
    assert forecaster.evaluate(shifted).quantiles[-1].min() < 0  # as has been seen there


@pytest.mark.parametrize("horizon", [1, 50])
def test_any_horizon(frame, horizon):
    settings = SMALL | {"horizon": horizon, "quantiles": (0.05, 0.5, 0.6, 0.975), "steps": 3}
    forecaster = Forecaster(**settings).fit(frame)
    forecast = forecaster.predict(to_come(frame, rows=horizon))
    assert forecast.columns == ["ds", "forecast", "q5", "q50", "q60", "q97.5"]
    assert len(forecast) == horizon
    evaluation = forecaster.evaluate(frame, stride=horizon)
    assert evaluation.quantiles.shape[1:] == (horizon, 4)
    simple = ["naive", "drift", "seasonal naive 24", "linear"]
    assert [s.model for s in evaluation.scores] == ["gru", *simple]


def test_median_alone(frame):
    forecaster = Forecaster(**SMALL | {"quantiles": (0.5,), "steps": 3}).fit(frame)
    assert forecaster.predict(to_come(frame)).columns == ["ds", "forecast", "q50"]
    assert forecaster.evaluate(frame).scores[0].coverage is None


def test_evaluation_by_default_starts_where_training_ended(frame, fitted):
    evaluation = fitted.evaluate(frame, stride=2)
    assert evaluation.times[0, 0] == np.datetime64(frame["ds"][SEEN])
    assert evaluation.origins.tolist() == list(range(SEEN - 1, ROWS - 3, 2))
    later = fitted.evaluate(frame, start=str(frame["ds"][SEEN + 5]))
    assert later.origins[0] == SEEN + 4


def test_statistical_models_stand_beside_where_they_had_the_time(frame, fitted, monkeypatch):
    def two_of_them(y, origins, horizon, seasons, firsts):
        assert (y[origins] == frame["y"].to_numpy()[origins]).all()
        assert (horizon, seasons) == (3, (24,))
        return Statistical(np.array([0, 4]), {"MSTL": np.zeros((2, 3))}, ["no more time"])

    monkeypatch.setattr(evaluation_module, "fit_at_origins", two_of_them)
    monkeypatch.setattr(evaluation_module, "need", lambda package: None)
    whole, found = (fitted.evaluate(frame, statistical=s) for s in (False, True))
    assert found.origins.tolist() == whole.origins[[0, 4]].tolist()
    assert found.scores[-1].model == "MSTL"
    assert found.scores[-1].mae == pytest.approx(found.truth.mean())
    assert found.notes == ["no more time"]
    np.testing.assert_allclose(found.quantiles, whole.quantiles[[0, 4]], rtol=1e-6)


@pytest.mark.parametrize("start", ["soon", "", "2024-01-15T00:00Z", "31/01/2024"])
def test_start_that_is_no_stamp_is_refused(frame, fitted, start):
    with pytest.raises(InputError, match=r"start: expected a stamp such as .*, got "):
        fitted.evaluate(frame, start=start)


def test_nothing_to_score_is_refused_with_what_it_takes(frame, fitted):
    with pytest.raises(InputError, match=r"no forecast to score from 2024-01-16.* 378 rows"):
        fitted.evaluate(frame.head(SEEN))
    with pytest.raises(InputError, match="stride: expected a positive number of steps, got 0"):
        fitted.evaluate(frame, stride=0)


def test_history_that_is_too_short_is_refused(frame, fitted):
    with pytest.raises(InputError, match="20 rows with a target, but a forecast needs the last 5"):
        fitted.predict(to_come(frame.head(23)))


def test_other_frequency_is_refused(frame, fitted):
    with pytest.raises(InputError, match="expected a step of 1h, the trained model's, found 2h"):
        fitted.predict(to_come(frame.gather_every(2)))


def test_series_that_never_errs_by_the_season_has_no_mase(frame):
    exact = frame.with_columns(y=pl.int_range(pl.len()) % 24)
    forecaster = Forecaster(horizon=2, lookback=24, hidden=4, steps=3).fit(exact)
    scores = {s.model: s for s in forecaster.evaluate(exact).scores}
    assert scores["gru"].mase is None
    assert scores["seasonal naive 24"].smape == 0


def test_same_seed_same_result_and_another_seed_another(frame, fitted):
    torch.manual_seed(99)
    state = torch.random.get_rng_state()
    again = Forecaster(**SMALL).fit(frame)
    assert weights(again) == weights(fitted)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert weights(Forecaster(**SMALL | {"seed": 1}).fit(frame)) != weights(fitted)


def losses(path, name="loss"):
    return [r[name] for r in read_metrics(path / METRICS) if name in r]


GOLDEN = [0.2421662, 0.2643017, 0.263474, 0.2596007, 0.2346221, 0.2560819, 0.276342, 0.259781]
GOLDEN_RTOL = 1e-4
"""Room for another CPU's order of summation over eight steps, and for nothing else."""


def test_short_trajectory_is_the_pinned_one(frame, tmp_path):
    Forecaster(**SMALL | {"steps": 8}).fit(frame, run=tmp_path / "run")
    assert losses(tmp_path / "run") == pytest.approx(GOLDEN, rel=GOLDEN_RTOL)


@pytest.mark.parametrize("tbptt", [0, 12])
def test_training_finds_what_a_linear_model_cannot_say(tmp_path, tbptt):
    settings = SMALL | {"steps": 150, "hidden": 16, "batch_size": 16, "tbptt": tbptt}
    forecaster = Forecaster(**settings | {"validate_every": 25, "checkpoint_every": 150})
    run = tmp_path / "run"
    data = hourly(1200)
    forecaster.fit(data, run=run)
    loss, validation = losses(run), losses(run, "validation_loss")
    assert np.mean(loss[-10:]) < 0.8 * np.mean(loss[:10])
    assert min(validation) < 0.9 * validation[0]
    scores = {s.model: s.mae for s in forecaster.evaluate(data).scores}
    assert scores["gru"] < 0.95 * scores["linear"]


def test_network_leaves_alone_what_a_linear_model_says_best():
    noise = np.random.default_rng(0).normal(size=600)
    y = np.convolve(noise, 0.9 ** np.arange(60))[:600]
    stamps = hourly(600)["ds"]
    data = pl.DataFrame({"ds": stamps, "y": y})
    forecaster = Forecaster(hidden=8, steps=60, validate_every=10, weight_decay=0.0).fit(data)
    assert forecaster.trained_.codec.trust <= 0.25
    network, *_, linear = forecaster.evaluate(data).scores
    assert linear.model == "linear"
    assert network.mae == pytest.approx(linear.mae, rel=0.01)
    assert 0.7 < network.coverage < 0.9


SHORT_MARGIN = 1.3
"""With 120 rows to learn from, the network may miss by this much more than the linear path."""


@pytest.mark.parametrize(("unit", "season", "horizon"), [("1d", 7, 7), ("1mo", 12, 1)])
def test_short_series_trains_by_the_defaults_and_does_not_lose_badly(unit, season, horizon):
    rng, i = np.random.default_rng(1), np.arange(150)
    cycle = 8 * np.sin(2 * np.pi * i / season) + 3 * np.cos(4 * np.pi * i / season)
    y = 50 + 0.1 * i + cycle + rng.normal(size=150).cumsum() / 2 + rng.normal(size=150)
    start = dt.datetime(2001, 1, 1)
    stamps = pl.datetime_range(start, start.replace(year=2030), unit, eager=True).head(150)
    data = pl.DataFrame({"ds": stamps, "y": y})
    evaluation = Forecaster(horizon=horizon).fit(data).evaluate(data)
    network, naive, _drift, seasonal, linear = (s.mae for s in evaluation.scores)
    assert network < min(naive, SHORT_MARGIN * linear, 1.5 * seasonal)


def test_series_shorter_than_it_takes_is_refused(frame):
    expected = (
        r"frame: 64 rows to train on, but a lookback of 24 and a horizon of 20 need at least \d+"
        r" .*take a shorter lookback or horizon"
    )
    with pytest.raises(InputError, match=expected):
        Forecaster(horizon=20, lookback=24).fit(frame.head(104))
    with pytest.raises(InputError, match="frame: 0 rows to train on"):
        Forecaster(horizon=20).fit(frame.head(30))


def test_parameters_are_those_of_scikit_learn(frame):
    base = pytest.importorskip("sklearn.base")
    forecaster = Forecaster(horizon=3, quantiles=[0.1, 0.5])
    assert forecaster.get_params()["horizon"] == 3
    assert forecaster.get_params()["cell"] == "gru"
    assert repr(forecaster) == "Forecaster(horizon=3, quantiles=[0.1, 0.5])"
    clone = base.clone(forecaster)
    assert clone.settings == forecaster.settings
    assert clone.set_params(horizon=5) is clone
    assert (clone.settings.horizon, forecaster.settings.horizon) == (5, 3)
    with pytest.raises(InputError, match="horizn"):
        forecaster.set_params(horizn=4)
    assert forecaster.settings.horizon == 3


def test_names_of_what_is_learned_end_in_an_underscore(fitted):
    before = set(vars(Forecaster()))
    learned = {name for name in vars(fitted) if not name.startswith("_")} - before
    assert learned == {"trained_", "stopwatch_", "metrics_"}
    assert fitted.train_seconds_ >= fitted.linear_seconds_ > 0


def test_forecaster_that_has_learned_nothing_says_so(frame, tmp_path):
    for act in (
        lambda f: f.predict(frame),
        lambda f: f.evaluate(frame),
        lambda f: f.save(tmp_path / "x"),
    ):
        with pytest.raises(InputError, match="nothing is learned yet; call fit, or load a run"):
            act(Forecaster())
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("column", ["y", "plan", "wind"])
def test_values_too_large_to_reckon_with_are_refused_before_training(frame, tmp_path, column):
    vast = frame.with_columns(pl.col(column) / pl.col(column).abs().max() * 1e307)
    with pytest.raises(InputError, match=rf"column '{column}': .* up to 1.0·10¹⁵⁰ .* 1.0·10³⁰⁷"):
        Forecaster(**SMALL).fit(vast, run=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_forecaster_ends_a_pipeline_of_scikit_learn(frame):
    fitted = make_pipeline(Forecaster(**SMALL | {"steps": 2})).fit(frame)
    assert len(fitted.predict(to_come(frame))) == 3
    assert clone(fitted[-1]).get_params() == fitted[-1].get_params()
    assert clone(Forecaster()).set_params(optimizer="sgd").settings.weight_decay == 0
    assert clone(Forecaster()).set_params(clip="agc").settings.clip_threshold == 0.01
