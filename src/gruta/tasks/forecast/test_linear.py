import re
from dataclasses import replace

import numpy as np
import pytest

from gruta.codec.series.features import future_features, lags, recent
from gruta.errors import InputError
from gruta.locale import spoken
from gruta.surroundings import threads
from gruta.tasks.forecast import linear, ridge
from gruta.tasks.forecast.linear import PENALTIES, solve, solve_twice
from gruta.tasks.forecast.split import Origins, Split

AWKWARD = {
    "no season": {"seasons": ()},
    "one step": {"horizon": 1},
    "one lag": {"lookback": 1},
    "beyond the season": {"horizon": 11},
    "seasons that turn over apart": {"horizon": 9, "seasons": (2, 7)},
    "lags beyond all seasons": {"rows": 160, "lookback": 30, "horizon": 2},
}


def origins(first, end):
    return Origins(np.array([first]), np.array([end]))


def split_of(table, count=12):
    """The last origins are for validation, all before them for training."""
    first, end = table.first_origin, len(table.y) - table.horizon
    ends = np.array([first]), np.array([end - 1])
    return Split(origins(first, end - count), origins(end - count, end), ends)


def design(table, origins, step):
    """Columns `[M, C + 1]` and targets `[M]` of the linear model of one step."""
    origins = origins[:]
    future = future_features(table, origins, np.array([step]))[:, 0]
    ones = np.ones((len(origins), 1))
    x = np.concatenate([lags(table, origins), recent(table, origins), future, ones], -1)
    return x.astype(float), table.changes(origins)[:, step - 1].astype(float)


def solved(table, ridge):
    return solve(table, split_of(table), ridge)


def forecast(model, table, origins):
    origins = origins[:]
    steps = np.arange(1, table.horizon + 1)
    return model(
        lags(table, origins), recent(table, origins), future_features(table, origins, steps)
    )


def test_the_second_path_is_that_of_all_origins_with_the_penalties_of_the_first(
    random_table, monkeypatch
):
    table = random_table(rows=120)
    split = split_of(table)
    monkeypatch.setattr(linear, "MOST_WEIGHTS", 1)  # a penalty a step
    first, last = solve_twice(table, split, 0.0)
    np.testing.assert_array_equal(first.on_lags, solve(table, split, 0.0).on_lags)
    np.testing.assert_array_equal(last.error, first.error)
    whole = replace(split, train=split.every)
    assert split.every[:].tolist() == [*split.train[:], *split.validation[:]]
    chosen = []
    for found, rows in ((first, split), (last, whole)):
        alone = np.stack([solve(table, rows, penalty).on_lags for penalty in PENALTIES])
        apart = np.abs(alone - found.on_lags).max(-1)  # [S, K]
        np.testing.assert_allclose(apart.min(0), 0, atol=1e-6)
        chosen.append(apart.argmin(0).tolist())
    assert chosen[0] == chosen[1]


def test_where_rounding_leaves_nothing_to_solve_the_first_path_stays(random_table, monkeypatch):
    table = random_table(rows=120)
    found, of_solutions = [], linear._solutions

    def solutions(table, origins, penalties):
        found.append(origins)
        for weights in of_solutions(table, origins, penalties):
            yield weights._replace(bias=weights.bias * np.nan) if len(found) > 1 else weights

    monkeypatch.setattr(linear, "_solutions", solutions)
    first, last = solve_twice(table, split_of(table), 1e-3)
    assert len(found) == 2
    assert last is first


def test_linear_path_is_least_squares(random_table):
    table = random_table(rows=120)
    split = split_of(table)
    found = forecast(solved(table, 1e-10), table, split.validation)
    for step in range(1, table.horizon + 1):
        weight, *_ = np.linalg.lstsq(*design(table, split.train, step), rcond=1e-9)
        expected = design(table, split.validation, step)[0] @ weight
        np.testing.assert_allclose(found[:, step - 1], expected, rtol=1e-3, atol=1e-3)


def ridge_by_hand(x, y, strength):
    """Ridge regression on standardised columns; the last column of x is the constant."""
    mean, deviation = x.mean(0), x.std(0)
    z = (x - mean) / np.where(deviation > 1e-9, deviation, np.inf)
    penalty = len(y) * strength * np.eye(z.shape[1])
    weight = np.linalg.solve(z.T @ z + penalty, z.T @ (y - y.mean()))
    return lambda new: y.mean() + (new - mean) / np.where(deviation > 1e-9, deviation, 1) @ weight


@pytest.mark.parametrize("gaps", [False, True], ids=["all rows", "with gaps"])
@pytest.mark.parametrize("strength", [1e-5, 1e-2, 1.0])
@pytest.mark.parametrize("shape", AWKWARD.values(), ids=AWKWARD)
def test_every_step_is_ridge_regression_on_standardised_columns(
    random_table, shape, strength, gaps
):
    table = random_table(**{"rows": 120} | shape)
    split = split_of(table)
    if gaps:
        rows = split.train[:]
        rows = rows[rows % 5 != 2]
        split = replace(split, train=Origins(rows, rows + 1))
    found = forecast(solve(table, split, strength), table, split.validation)
    for step in range(1, table.horizon + 1):
        by_hand = ridge_by_hand(*design(table, split.train, step), strength)
        expected = by_hand(design(table, split.validation, step)[0])
        allowed = 2e-6 * np.abs(expected).max()
        np.testing.assert_allclose(found[:, step - 1], expected, rtol=0, atol=allowed)


def test_series_with_gaps_are_solved_where_their_horizon_is_whole(random_table):
    whole = random_table(rows=240, seasons=(4,))
    absent = np.random.default_rng(1).random(240) < 0.03
    table = replace(whole, starts=np.array([0, 100, 240]), absent=absent)
    ends = np.array([30, 101]), np.array([97, 235])
    split = Split(Origins(np.array([30, 101]), np.array([97, 200])), origins(201, 236), ends)
    rows = split.train[:]
    complete = rows[~absent[rows[:, None] + np.arange(1, table.horizon + 1)].any(1)]
    found = forecast(solve(table, split, 1e-2), table, split.validation)
    for step in range(1, table.horizon + 1):
        by_hand = ridge_by_hand(*design(table, complete, step), 1e-2)
        expected = by_hand(design(table, split.validation, step)[0])
        allowed = 2e-5 * np.abs(expected).max()
        np.testing.assert_allclose(found[:, step - 1], expected, rtol=0, atol=allowed)


def test_factors_solve_as_eigenvectors_do(random_table, monkeypatch):
    table = random_table(rows=200, lookback=30, horizon=9)
    expected = solved(table, 1e-2)
    monkeypatch.setattr(ridge, "MOST_DECOMPOSED", 10)
    found = solved(table, 1e-2)
    np.testing.assert_allclose(found.on_lags, expected.on_lags, atol=1e-6)
    np.testing.assert_allclose(found.on_future, expected.on_future, atol=1e-6)
    np.testing.assert_allclose(found.bias, expected.bias, atol=1e-5)


def test_series_that_hardly_moves_loses_nothing_to_rounding(random_table):
    table = random_table(rows=200, seasons=())
    still = replace(table, y=1 + table.y * np.float32(2.0**-17))
    models = [solved(each, 1e-6) for each in (table, still)]
    origins = split_of(table).validation
    moved, hardly = (forecast(m, t, origins) for m, t in zip(models, (table, still), strict=True))
    np.testing.assert_allclose(hardly * 2.0**17, moved, atol=1e-4 * np.abs(moved).max())


def test_penalty_is_the_one_that_forecasts_validation_best(random_table):
    table = random_table(lookback=12)
    validation = split_of(table).validation[:]
    paths = [solved(table, penalty) for penalty in PENALTIES]
    errors = [
        np.abs(forecast(path, table, validation) - table.changes(validation)).mean()
        for path in paths
    ]
    best = int(np.argmin(errors))
    assert 0 < best < len(PENALTIES) - 1  # with so few rows of noise, the weakest is not the best
    chosen = solved(table, 0.0)
    assert np.array_equal(chosen.on_lags, paths[best].on_lags)
    assert np.array_equal(chosen.on_recent, paths[best].on_recent)
    assert np.array_equal(chosen.on_future, paths[best].on_future)


@pytest.mark.parametrize(("seed", "differs"), [(2, "alone"), (11, "lowest")])
def test_short_validation_part_does_not_choose_the_penalty_alone(random_table, seed, differs):
    table = random_table(rows=150, lookback=20)
    table = replace(table, y=np.random.default_rng(seed).normal(size=150).astype(np.float32))
    split = split_of(table)
    assert len(split_of(table, 15).cuts(table.horizon)) == 1
    errors = []
    for learned, behind in split.cuts(table.horizon):
        assert learned[-1] < behind[0]
        own = replace(split, train=learned)
        found = [forecast(solve(table, own, penalty), table, behind) for penalty in PENALTIES]
        errors.append([np.log(np.abs(one - table.changes(behind[:])).mean()) for one in found])
    above = np.array(errors) - np.array(errors)[:, [np.mean(errors, 0).argmin()]]
    alike = above.mean(0) <= above.std(0, ddof=1) / np.sqrt(len(errors)) / 2
    largest = alike.nonzero()[0].max()
    others = {"alone": np.argmin(errors[-1]), "lowest": np.mean(errors, 0).argmin()}
    assert (len(errors), largest != others[differs]) == (4, True)
    chosen = solve(table, split, 0.0)
    np.testing.assert_array_equal(chosen.on_lags, solve(table, split, PENALTIES[largest]).on_lags)


def test_past_covariates_are_read_with_their_lags(random_table):
    table = random_table(rows=400)
    y = table.y.copy()
    y[3:] = 5 * table.past[:-3, 0]  # so the past tells the next three
    table = replace(table, y=y)
    origins = split_of(table).validation[:]
    found = forecast(solved(table, 1e-6), table, origins) + table.y[origins, None]
    np.testing.assert_allclose(found[:, :3], y[origins[:, None] + [1, 2, 3]], atol=0.05)


def test_penalty_that_leaves_nothing_to_solve_is_refused(random_table):
    table = random_table()
    table = replace(table, known=table.y[:, None])
    with pytest.raises(InputError, match="ridge: too small for these columns"):
        solved(table, 1e-30)


def test_long_solution_says_how_long_it_will_take(random_table, monkeypatch):
    told, table = [], random_table(rows=90, horizon=20)
    split = split_of(table)
    solve(table, split, 1e-2, told.append)
    assert not told
    monkeypatch.setattr(linear, "QUIET_SECONDS", 0.0)
    with spoken("en"):
        solve(table, split, 1e-2, told.append)
    assert re.fullmatch(r"linear path: step 1 of 20, about \d+ s to go", told[0])


def test_solution_does_not_depend_on_the_number_of_threads(random_table):
    table = random_table(rows=300, lookback=40, horizon=12)
    with threads(1):
        alone = solved(table, 0.0)
    with threads(2):
        together = solved(table, 0.0)
    origins = split_of(table).validation
    found, expected = (forecast(model, table, origins) for model in (together, alone))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_constant_columns_get_no_weight(random_table):
    table = random_table()
    table = replace(table, known=np.full_like(table.known, 7.0))
    path = solved(table, 1e-6)
    assert (path.on_lags[:, -1] == 0).all()  # the value at the origin less itself
    assert (path.on_future[:, :2] == 0).all()  # the covariate then and now
    assert (path.on_lags[:, :-1] != 0).all()
    assert np.isfinite(path.on_future).all()
