import numpy as np
import pytest

from gruta.codec.series.encoding import MOST_LOOKBACK, Encoding
from gruta.codec.series.infer import parse
from gruta.codec.series.seasons import seasons_of, shows
from gruta.codec.series.series import Columns, Series

SEASON = 600


def noise(cycles, seed=0):
    return np.random.default_rng(seed).normal(size=cycles * SEASON + 17)


def wave(cycles):
    return np.sin(2 * np.pi * np.arange(cycles * SEASON + 17) / SEASON)


@pytest.mark.parametrize("cycles", [4, 20])
def test_a_season_shows_through_noise_and_a_trend(cycles):
    y = wave(cycles) + noise(cycles)
    assert shows(y, SEASON)
    assert shows(1e4 + y + np.linspace(0, 50, len(y)), SEASON)
    assert shows(np.abs(wave(cycles)), SEASON // 2)


@pytest.mark.parametrize("cycles", [4, 20])
def test_what_has_no_season_shows_none(cycles):
    for seed in range(20):
        assert not shows(noise(cycles, seed), SEASON)
        assert not shows(noise(cycles, seed).cumsum(), SEASON)
    assert not shows(np.ones(cycles * SEASON), SEASON)
    assert not shows(wave(cycles), SEASON * 5 // 7)


def test_days_and_weeks_are_taken_for_granted_and_the_cycles_of_clocks_must_show():
    rows = 10 * 4 * SEASON
    quiet = np.random.default_rng(0).normal(size=rows)
    assert seasons_of(quiet, parse("1h")) == (24, 168)
    assert seasons_of(quiet[:100], parse("1h")) == (24,)
    assert seasons_of(quiet, parse("1d")) == (7,)
    assert seasons_of(quiet, parse("1 month")) == (12,)
    assert seasons_of(quiet, parse("100ms")) == ()
    minutes = quiet + np.sin(2 * np.pi * np.arange(rows) / SEASON)
    assert seasons_of(minutes, parse("100ms")) == (SEASON,)


@pytest.mark.parametrize(
    ("step", "rows", "lookback"),
    [("10ms", 48_000, MOST_LOOKBACK), ("1min", 9_000, MOST_LOOKBACK), ("5min", 9_000, 576)],
)
def test_lookback_is_bounded_by_default(step, rows, lookback):
    frequency, none = parse(step), np.empty((rows, 0))
    times = frequency.after(np.datetime64("2024-01-01", "us"), rows)
    y = np.random.default_rng(0).normal(size=rows).cumsum()
    series = Series.lone(times, y, none, none, Columns(), frequency, "frame")
    assert Encoding.fit(series, np.array([rows]), 0, 50).lookback == lookback
    assert Encoding.fit(series, np.array([rows]), 1_000, 50).lookback == 1_000
