import numpy as np
import pytest

from gruta.codec.series.intervals import (
    apart,
    half_life,
    levels,
    misses,
    rolling,
    rows_before,
    spread,
    stretch,
)

LEVELS = (0.1, 0.25, 0.5, 0.9)


@pytest.fixture
def targets():
    return np.random.default_rng(0).normal(size=(400, 5)).astype(np.float32)


def test_stretched_quantiles_cover_what_they_promise_on_the_rows_they_were_fitted_on(targets):
    # Four times too narrow on one side, twice too wide on the other.
    targets = targets.reshape(2000, 1)
    forecast = np.broadcast_to(np.float32([-0.3, -0.15, 0.0, 2.6]), (2000, 1, 4))
    stretched = stretch(forecast, spread(forecast, targets, LEVELS), LEVELS)
    below = (targets[..., None] <= stretched).mean((0, 1))
    assert below.tolist()[:2] == pytest.approx([0.1, 0.25], abs=1e-3)
    assert below.tolist()[3] == pytest.approx(0.9, abs=1e-3)


def test_factor_is_the_target_of_the_conformal_rank():
    forecast = np.broadcast_to(np.float32([-1.0, 0.0, 1.0]), (19, 1, 3))
    target = np.arange(1.0, 20.0)[:, None]  # one each of 1 … 19; ⌈20 · 0.9⌉ is the 18th
    assert spread(forecast, target, (0.1, 0.5, 0.9)).tolist() == [0.0, 1.0, 18.0]
    assert spread(forecast, target, (0.1, 0.5, 0.975))[2] == 19  # the 20th there is not


def test_forecasts_that_overlap_count_as_fewer():
    forecast = np.broadcast_to(np.float32([-1.0, 0.0, 1.0]), (25, 4, 3))
    target = np.arange(1.0, 101.0).reshape(25, 4)  # as of 12.5; ⌈100 / 12.5 · 13.5 · 0.9⌉ = 98
    assert apart(4) == 1
    assert spread(forecast, target, (0.1, 0.5, 0.9))[2] == 98


def test_median_stays_and_order_holds(targets):
    forecast = np.broadcast_to(np.float32([-0.1, -0.09, 0.0, 0.1]), (400, 5, 4))
    stretched = stretch(forecast, np.float32([0.5, 3.0, 1.0, 2.0]), LEVELS)
    assert stretched[0, 0].tolist() == pytest.approx([-0.27, -0.05, 0.0, 0.2])
    assert spread(forecast, targets, LEVELS)[2] == 1


def test_quantiles_without_any_distance_stay_as_they_are():
    forecast = np.zeros((8, 2, 4))
    assert spread(forecast, np.zeros((8, 2)), LEVELS).tolist() == [1.0] * 4
    assert spread(forecast, np.ones((8, 2)), LEVELS).tolist() == [1.0] * 4
    missed = misses(forecast, np.ones((8, 2)), LEVELS)
    assert levels(np.arange(8), np.arange(8), missed).tolist() == [1.0] * 8


def test_misses_are_in_units_of_the_mean_distance_from_the_median():
    forecast = np.float32([[[-1.0, 0.0, 3.0]]])
    assert misses(forecast, np.float32([[4.0]]), (0.1, 0.5, 0.9)).tolist() == [[2.0]]
    assert np.isnan(misses(forecast, np.float32([[np.nan]]), (0.1, 0.5, 0.9))).all()


def test_level_by_hand():
    """Of forecasts two steps long from rows 4 and 5, three misses are known at row 6."""
    missed = np.float32([[1.0, 2.0], [4.0, 999.0]])
    weight = 0.5 ** (np.array([1, 0, 0]) / half_life(2))  # of row 5, and twice of row 6
    expected = ((weight * [1, 2, 4]).sum() + 3.0) / (weight.sum() + 1)
    found = levels(np.array([3, 4, 6]), np.array([4, 5]), missed, usual=3.0)
    assert rows_before(2)[:2].tolist() == [1, 2]
    assert found.tolist() == pytest.approx([3.0, 3.0, expected], rel=1e-6)


@pytest.mark.parametrize("horizon", [1, 2, 3, 7, 24, 48])
def test_level_knows_nothing_that_comes_after_its_origin(horizon):
    draw = np.random.default_rng(0)
    rows = np.arange(300)
    missed = draw.random((300, horizon)).astype(np.float32)
    later = missed.copy()
    target_row = rows[:, None] + np.arange(1, horizon + 1)
    later[target_row > 200] = 1e6
    origins = np.arange(150, 201)
    found, same = (levels(origins, rows, m, usual=1.0) for m in (missed, later))
    assert np.array_equal(found, same)
    assert levels(origins + horizon, rows, later, usual=1.0).max() > 100


@pytest.mark.parametrize("horizon", [1, 2, 8, 12, 13, 24, 48, 336])
def test_rolling_origins_end_with_the_last_and_are_of_every_phase_of_a_season(horizon):
    found, firsts = rolling(np.array([10]), np.array([10_000]), horizon)
    assert (firsts == 10).all()
    assert found[-1] == 10_000
    assert (np.diff(found) == apart(horizon)).all()
    assert 1 <= apart(horizon) <= horizon
    for season in (4, 7, 12, 24, 48, 52, 168, 336, 365):
        assert len({apart(horizon) * i % season for i in range(season)}) == season


def test_intervals_grow_when_the_errors_do():
    draw = np.random.default_rng(0)
    size = np.repeat([1.0, 4.0], 2000)
    target = (size * draw.normal(size=4000)).astype(np.float32)[:, None]
    forecast = np.broadcast_to(np.float32([-1.0, 0.0, 1.0]), (4000, 1, 3))
    rows, quantiles = np.arange(4000), (0.1, 0.5, 0.9)
    missed = misses(forecast, target, quantiles)
    level = levels(rows, rows, missed)
    factors = spread(forecast[:2000], target[:2000], quantiles, level[:2000])
    late = slice(2200, 4000)
    for used, low, high in ((level[late], 0.75, 0.83), (None, 0.2, 0.35)):
        band = stretch(forecast[late], factors, quantiles, used)
        inside = (band[..., 0] <= target[late]) & (target[late] <= band[..., 2])
        assert low < inside.mean() < high


def test_levels_of_a_series_know_nothing_of_the_one_before_it():
    missed = np.full((40, 1), 1.0, np.float32)
    missed[:20] = 100.0  # of the series that ends where the next begins
    rows = np.arange(40)
    firsts = np.where(rows < 20, 0, 20)
    known = levels(rows[[19, 22]], rows, missed, 1.0, firsts[[19, 22]])
    assert known[0] > 50
    assert known[1] == pytest.approx(1.0)
    origins, begins = rolling(np.array([0, 20, 30]), np.array([19, 18, 39]), 2)
    assert set(begins) == {0, 30}  # the second has none
    assert (origins >= begins).all()
