"""What a network reads back of its own forecasts: one block after the other, and nothing else."""

import dataclasses
import json

import numpy as np
import polars as pl
import pytest

from gruta.codec.series.features import Past, ahead
from gruta.codec.series.intervals import grown, growth
from gruta.data.series import read_series
from gruta.errors import InputError
from gruta.tasks.forecast import Forecaster
from gruta.tasks.forecast.baselines import linear
from gruta.tasks.forecast.conftest import COLUMNS, ROWS, SMALL, hourly
from gruta.tasks.forecast.forecasts import quantiles

RECURSIVE = SMALL | {"strategy": "recursive", "horizon": 7}


def fit(frame, **settings):
    """So short a training may leave the head at zero, and unheard: it gets weights, and trust."""
    forecaster = Forecaster(**RECURSIVE | settings).fit(frame)
    forecaster.trained_.head.trust = 1.0
    weights = forecaster.trained_.weights["head.weight"]
    weights[:] = np.random.default_rng(0).normal(size=weights.shape) / 4
    return forecaster


@pytest.fixture(scope="module")
def recursive(frame):
    return fit(frame)


def by_hand(trained, table, origin, steps, first=None):
    """`[N]` medians of the change: whoever reads all that was seen, then all that was said, anew
    for every block, in a table where that stands as if it had come.
    """
    head, K, start = trained.head, table.horizon, table.y[origin]
    y, past = table.y.copy(), table.past.copy()
    y[origin + 1 :], past[origin + 1 :] = np.nan, past[origin]
    table = dataclasses.replace(table, y=y, past=past)
    first = origin + 1 - table.lookback if first is None else first
    for at in range(origin, origin + steps, K):
        rows = np.arange(first, at + 1)
        firsts = np.broadcast_to(table.firsts(np.array([at])), rows.shape)
        states, _ = head.read(Past(table, keep=False)(rows, firsts)[None])
        found = head.from_states(states[-1:], ahead(table, np.array([[at]])))[0, 0]
        y[at + 1 : at + 1 + K] = y[at] + found[:, head.levels.index(0.5)]
    return y[origin + 1 : origin + 1 + steps] - start


@pytest.mark.parametrize("settings", [{}, {"block": 3, "cell": "lstm"}])
def test_each_block_is_forecast_from_what_was_said_before(frame, series, settings):
    trained = fit(frame, **settings).trained_
    table, origins = trained.codec.encoding.table(series), np.array([80, 81, 200])
    found = trained.head.changes(table, origins, 7)
    for origin, own in zip(origins, found[..., 1], strict=True):
        np.testing.assert_allclose(own, by_hand(trained, table, origin, 7), atol=1e-6)


def test_a_carried_state_goes_on_from_the_whole_series(frame, series):
    trained = fit(frame, tbptt=16, lookback=3).trained_
    table, origins = trained.codec.encoding.table(series), np.array([200, 80])
    found = trained.head.changes(table, origins, 7, carry=True)
    first = table.first_origin - table.lookback
    for origin, own in zip(origins, found[..., 1], strict=True):
        slow = by_hand(trained, table, origin, 7, first)
        np.testing.assert_allclose(own, slow, atol=1e-6)


def test_series_with_gaps_are_rolled_out_each_within_itself(frame):
    y = pl.when(pl.int_range(pl.len()) % 50 < 4).then(None).otherwise("y").alias("y")
    late = frame[300:].with_columns(shop=pl.lit("b"))
    both = pl.concat([frame.with_columns(y, shop=pl.lit("a")), late])
    trained = fit(both, series="shop", longest_gap=0.5).trained_
    series = read_series(both, dataclasses.replace(COLUMNS, series="shop"))
    table = trained.codec.encoding.table(series)
    origins = np.array([30, series.ends[0] - 8, series.starts[1] + 5])
    assert table.absent is not None
    found = trained.head.changes(table, origins, 7)[..., 1]
    gone = dataclasses.replace(table, absent=table.absent.copy())
    for origin, own in zip(origins, found, strict=True):
        gone.absent[:] = table.absent
        gone.absent[origin + 1 : origin + 8] = False
        np.testing.assert_allclose(own, by_hand(trained, gone, origin, 7), atol=1e-6)


def test_nothing_but_what_is_known_is_read_of_rows_to_come(frame, recursive):
    later = pl.int_range(pl.len()) >= 300
    other = frame.with_columns(
        pl.when(later).then(pl.col(name) + 50).otherwise(name).alias(name) for name in ("y", "wind")
    )
    trained, origins = recursive.trained_, np.array([250, 299])
    one, two = (quantiles(trained, read_series(f, COLUMNS), origins) for f in (frame, other))
    np.testing.assert_array_equal(one, two)
    plan = read_series(frame.with_columns(plan=1 - pl.col("plan")), COLUMNS)
    assert np.abs(quantiles(trained, plan, origins) - one).min() > 0


def test_a_longer_forecast_begins_as_the_shorter(frame, recursive, fitted):
    coming = frame.with_columns(
        pl.when(pl.int_range(pl.len()) >= ROWS - 20).then(None).otherwise(name).alias(name)
        for name in ("y", "wind")
    )
    short, usual, long = (recursive.predict(coming, horizon=n) for n in (4, None, 20))
    assert (len(short), len(usual), len(long)) == (4, 7, 20)
    assert long[:7].equals(usual)
    assert usual[:4].equals(short)
    width = long["q90"] - long["q10"]
    assert width[10:].min() > width[0]
    cut = fitted.predict(coming, horizon=2)
    assert cut.equals(fitted.predict(coming)[:2])
    with pytest.raises(InputError, match="horizon: expected at most the 3 steps that training"):
        fitted.predict(coming, horizon=4)


def test_differences_too_are_forecast_for_fewer_steps(frame):
    forecaster = Forecaster(**SMALL | {"transform": "seasonal"}).fit(frame)
    found = forecaster.predict(frame, missing_known="hold")
    assert forecaster.predict(frame, missing_known="hold", horizon=2).equals(found[:2])


def test_the_linear_forecast_beside_it_is_read_back_too(frame, series, recursive):
    trained = recursive.trained_
    table, origins = trained.codec.encoding.table(series), np.array([80, 200])
    trained.head.trust, kept = 0.0, trained.head.trust
    found = trained.head.changes(table, origins, 7)[..., 1]
    trained.head.trust = kept
    line = linear(table, origins, trained.head.linear, 7) - table.y[origins][:, None]
    np.testing.assert_allclose(line, found, atol=1e-6)
    scores = recursive.evaluate(frame, stride=5).scores
    assert [s.model for s in scores][-1] == "linear"


def test_a_run_forecasts_what_was_trained(frame, tmp_path):
    forecaster = Forecaster(**RECURSIVE | {"block": 2}).fit(frame, run=tmp_path / "run")
    loaded = Forecaster.load(tmp_path / "run")
    assert json.loads((tmp_path / "run" / "codec.json").read_text())["encoding"]["block"] == 2
    assert len(loaded.trained_.codec.growth) == 4
    assert loaded.backtest(frame).scores == forecaster.backtest(frame).scores
    longer = hourly(ROWS + 100)
    assert loaded.update(longer).trained_.codec.encoding.at_once == 2


def test_parts_of_what_was_read_back_are_not_made_up(frame, recursive):
    with pytest.raises(InputError, match=r"strategy: parts add up .* train one with strategy dir"):
        recursive.explain(frame)
    assert recursive.xray(frame).to_json()


def test_distances_grow_with_what_was_missed_and_never_shrink():
    levels, rng = (0.1, 0.5, 0.9), np.random.default_rng(0)
    forecast = np.tile(np.array([-1, 0, 1], np.float32), (4000, 6, 1))
    target = rng.normal(size=(4000, 6)).astype(np.float32) * [1, 1, 3, 3, 2, 2]
    factors = growth(forecast, target, levels, 2)
    assert factors == pytest.approx([1, 2.5, 2.5], rel=0.05)
    found = grown(forecast[:1, :1].repeat(12, 1), factors, levels, 2)[0, :, 2]
    expected = [1, 1, *[factors[1]] * 4, *[factors[2] * (4 / 3) ** 0.5] * 2]
    np.testing.assert_allclose(found[:8], expected, rtol=1e-5)
    assert found[-1] == pytest.approx(factors[2] * 2**0.5)


def test_blocks_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="block: expected strategy recursive beside it"):
        Forecaster(horizon=5, block=2)
    with pytest.raises(InputError, match="block: expected at most the horizon, 5, got 6"):
        Forecaster(horizon=5, block=6, strategy="recursive")
