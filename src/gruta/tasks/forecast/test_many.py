"""Several series, gaps, zones and numbered rows, from the file to the forecast."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from gruta.errors import InputError
from gruta.tasks.forecast import Forecaster
from gruta.tasks.forecast.task import TASK

SMALL = {"hidden": 6, "steps": 20, "batch_size": 8, "validate_every": 10, "horizon": 3}


def shops(count=6, rows=80, seed=0):
    """Of different levels, beginnings and ends, with a week and holes."""
    draw, parts = np.random.default_rng(seed), []
    for i in range(count):
        own = rows if i == 0 else int(draw.integers(4, rows))
        first = dt.date(2024, 1, 1) + dt.timedelta(days=int(draw.integers(0, rows - own + 1)))
        day = np.arange(own) + first.toordinal()
        y = 10.0**i * (2 + np.sin(2 * np.pi * day / 7) + 0.05 * draw.normal(size=own))
        y[1 : own - 1][draw.random(own - 2) < 0.05] = np.nan
        y[-2] = np.nan
        stamps = [first + dt.timedelta(days=k) for k in range(own)]
        parts.append(pl.DataFrame({"shop": [f"s{i}"] * own, "ds": stamps, "y": y}))
    return pl.concat(parts).sample(fraction=1.0, shuffle=True, seed=seed)


@pytest.fixture(scope="module")
def fitted():
    return Forecaster(**SMALL, series="shop", longest_gap=0.5).fit(shops())


def test_all_are_forecast_in_their_own_units_from_their_own_ends(fitted):
    frame = shops()
    found = fitted.predict(frame)
    assert found.columns == ["shop", "ds", "forecast", "q10", "q50", "q90"]
    assert len(found) == 6 * 3
    ends = frame.drop_nans().group_by("shop").agg(pl.col("ds").max(), pl.col("y").mean())
    for name, end, level in ends.iter_rows():
        own = found.filter(pl.col("shop") == name)
        assert own["ds"][0].date() == end + dt.timedelta(days=1)
        assert own["forecast"].is_between(level / 5, level * 5).all()


def test_a_series_is_forecast_alike_with_others_or_alone(fitted):
    frame = shops()
    together = fitted.predict(frame).filter(pl.col("shop") == "s0")
    alone = fitted.predict(frame.filter(pl.col("shop") == "s0"))
    np.testing.assert_allclose(together["forecast"], alone["forecast"], rtol=1e-5)
    np.testing.assert_allclose(together["q90"], alone["q90"], rtol=1e-4)


def test_a_series_that_training_did_not_see_is_forecast_from_a_few_rows(fitted):
    stamps = [dt.date(2024, 3, day) for day in (1, 2, 3, 4)]
    new = pl.DataFrame({"shop": ["new"] * 4, "ds": stamps, "y": [5e6, 6e6, 7e6, 6e6]})
    assert fitted.predict(new)["forecast"].is_between(1e6, 2e7).all()


def test_scores_are_means_over_all_and_gaps_count_for_nothing(fitted):
    found = fitted.evaluate(shops())
    missed = np.abs(found.median - found.truth)
    assert np.isnan(missed).any()
    assert found.scores[0].mae == pytest.approx(np.nanmean(missed))
    assert found.scores[0].mase > 0
    assert all(np.isfinite(s.smape) for s in found.scores)


def test_the_table_without_its_column_of_series_is_refused(fitted):
    with pytest.raises(InputError, match="several series; name the column"):
        Forecaster(**SMALL).fit(shops())
    usual = shops().rename({"shop": "unique_id"})
    found = Forecaster(**SMALL | {"steps": 2}, longest_gap=0.5).fit(usual)
    assert found.trained_.codec.encoding.columns.series == "unique_id"
    with pytest.raises(InputError, match="tbptt: a carried state needs one series"):
        Forecaster(**SMALL, series="shop", longest_gap=0.5, tbptt=8).fit(shops())


@pytest.mark.parametrize("zone", ["America/Sao_Paulo", "America/Santiago", "Europe/Berlin"])
def test_days_of_a_zone_come_back_in_the_zone(zone):
    days = pd.date_range("2018-08-01", periods=200, freq="D")
    stamps = pd.DatetimeIndex(
        [t.tz_localize(zone, nonexistent="shift_forward", ambiguous=True) for t in days]
    )
    y = np.arange(200) % 7 + np.random.default_rng(0).normal(size=200)
    frame = pd.DataFrame({"ds": stamps, "y": y})
    forecaster = Forecaster(**SMALL).fit(frame)
    found = forecaster.predict(frame)
    expected = [d.date() for d in pd.date_range(days[-1], periods=4, freq="D")[1:]]
    assert [t.date() for t in found["ds"]] == expected
    assert str(found["ds"].dt.tz) == zone
    polars = forecaster.predict(pl.from_pandas(frame))
    assert polars["ds"].dtype == pl.Datetime("us", zone)
    evaluation = forecaster.evaluate(frame)
    assert (evaluation.times.astype("M8[D]") == evaluation.times).all()


def test_numbered_rows_are_forecast_by_their_numbers():
    y = np.sin(np.arange(120) / 3) + np.random.default_rng(0).normal(size=120) / 20
    frame = pl.DataFrame({"step": np.arange(0, 240, 2), "y": y})
    forecaster = Forecaster(**SMALL, time="step", lookback=12).fit(frame)
    assert forecaster.predict(frame)["step"].to_list() == [240, 242, 244]
    holes = frame.filter(~pl.col("step").is_in([20, 22]))
    assert forecaster.predict(holes)["step"].to_list() == [240, 242, 244]
    assert len(forecaster.evaluate(frame, start="230").origins) == 3


def test_names_of_the_data_never_collide_with_those_of_the_answer():
    frame = shops(1).drop("shop").rename({"ds": "forecast"})
    forecaster = Forecaster(**SMALL, time="forecast", longest_gap=0.5).fit(frame)
    assert forecaster.predict(frame).columns == ["forecast", "forecast_gruta", "q10", "q50", "q90"]


def test_a_wide_table_trains_and_is_asked_as_its_long_form(fitted, tmp_path):
    wide = shops().pivot(on="shop", index="ds", values="y", sort_columns=True)
    forecaster = Forecaster(**SMALL, wide=True, longest_gap=0.5).fit(wide)
    forecaster.save(tmp_path / "run")
    again = Forecaster.load(tmp_path / "run")
    found = again.predict(wide)
    expected = fitted.predict(shops()).rename({"shop": "unique_id"})
    assert_frame_equal(found, expected)
    some = again.predict(wide.to_pandas().set_index("ds")[["s3", "s0"]])
    assert isinstance(some, pd.DataFrame)
    assert some["unique_id"].tolist() == ["s3"] * 3 + ["s0"] * 3
    told = again.evaluate(wide).frame()
    assert told.columns[:5] == ["unique_id", "origin", "ds", "step", "y"]
    with pytest.raises(InputError, match="series: in a wide table the columns are the series"):
        Forecaster(wide=True, series="shop").fit(wide)


def test_series_that_are_called_otherwise_than_in_training_are_told(fitted):
    def lines(frame):
        found = TASK.open(frame, fitted.settings, fitted.trained_.codec)
        return [guess.told() for guess in found.guesses]

    assert lines(shops()) == lines(shops().filter(pl.col("shop") != "s1")) == []
    assert lines(shops().with_columns(pl.col("shop").replace("s1", "S1"))) == [
        "series that training did not see: 1 (S1)",
        "series of the training that are not there: 1 (s1)",
    ]


def test_hours_become_days_in_training_and_again_when_asked(tmp_path):
    zone = "America/Sao_Paulo"
    start = dt.datetime(2018, 6, 1, 5, tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)
    utc = [start + dt.timedelta(hours=i) for i in range(24 * 200)]
    times = pl.Series("ds", utc).dt.convert_time_zone(zone)
    rng = np.random.default_rng(0)
    load = times.dt.hour() + 5 * times.dt.weekday() + rng.normal(size=len(times))
    frame = pl.DataFrame({"ds": times, "y": load})
    small = SMALL | {"known": (), "past": (), "lookback": 14}
    forecaster = Forecaster(**small, every="1d", aggregate="sum").fit(frame)
    forecaster.save(tmp_path / "run")
    again = Forecaster.load(tmp_path / "run")
    found = again.predict(frame.to_pandas())
    assert [str(t)[:10] for t in found["ds"]] == ["2018-12-18", "2018-12-19", "2018-12-20"]
    assert str(found["ds"].dt.tz) == zone
    assert (found["forecast"] > 24 * 5).all()
    kept = Forecaster(**small, every="1d", aggregate="sum", incomplete="keep").fit(frame)
    assert str(kept.predict(frame)["ds"][0])[:10] == "2018-12-19"
    with pytest.raises(InputError, match="aggregate: expected every beside it"):
        Forecaster(aggregate="sum")


def opposed(rows=400):
    """Two series of the same look so far: one goes on, the other turns back."""
    draw, parts = np.random.default_rng(0), []
    for name, sign in (("on", 1.0), ("back", -1.0)):
        steps = draw.normal(size=rows)
        for t in range(1, rows):
            steps[t] = 0.8 * sign * steps[t - 1] + 0.3 * steps[t]
        stamps = [dt.date(2024, 1, 1) + dt.timedelta(days=k) for k in range(rows)]
        parts.append(pl.DataFrame({"shop": [name] * rows, "ds": stamps, "y": 50 + steps.cumsum()}))
    return pl.concat(parts)


EMBEDDED = SMALL | {"series": "shop", "lookback": 7, "steps": 80, "learning_rate": 0.02}


def test_series_are_told_apart_by_a_learned_vector(tmp_path):
    forecaster = Forecaster(**EMBEDDED, embedding=3).fit(opposed())
    vectors = forecaster.trained_.weights["embedding.weight"]
    assert vectors.shape == (3, 3)
    assert (vectors[0] == 0).all()
    assert (vectors[1:] != 0).all()
    forecaster.save(tmp_path / "run")
    frame = opposed()
    found = Forecaster.load(tmp_path / "run").predict(frame)
    assert found.equals(forecaster.predict(frame))
    other = forecaster.predict(frame.with_columns(shop=pl.col("shop").replace("on", "back2")))
    assert other["shop"].unique().sort().to_list() == ["back", "back2"]
    own = found.filter(shop="on")["forecast"].to_numpy()
    assert np.abs(own - other.filter(shop="back2")["forecast"].to_numpy()).max() > 1e-3
    told = forecaster.explain(frame, series="on")
    total = told.baseline + told.linear.sum(0) + told.network.sum(0)
    np.testing.assert_allclose(total, own, rtol=1e-5)


def test_head_computes_what_the_network_with_vectors_does():
    import torch

    from gruta.codec.series.features import Past, windows

    forecaster = Forecaster(**EMBEDDED, embedding=2).fit(opposed())
    trained = forecaster.trained_
    table = trained.codec.encoding.table(forecaster.task.open(opposed(), forecaster.settings))
    last = np.array([40, 300, 500, 700])
    batch = windows(table, Past(table), last, np.full((4, 1), table.lookback - 1), table.lookback)
    assert batch["series"].tolist() == [1, 1, 2, 2]
    with torch.no_grad():
        expected = trained.network({k: torch.from_numpy(v) for k, v in batch.items()})[0]
    np.testing.assert_allclose(trained.head(batch), expected.numpy(), atol=1e-5)


@pytest.mark.parametrize(("frame", "kept"), [(opposed(), True), (shops(), False)])
def test_a_vector_stays_only_where_it_pays(frame, kept):
    how = EMBEDDED | {"longest_gap": 0.5}
    encoding = Forecaster(**how, embedding="auto").fit(frame).trained_.codec.encoding
    assert (encoding.embedding, encoding.told_apart) == (2 if kept else 3, kept)
