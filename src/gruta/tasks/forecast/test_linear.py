from dataclasses import replace

import numpy as np
import pytest
import torch

from gruta.codec.series.features import future_features, lags
from gruta.surroundings import threads
from gruta.tasks.forecast.linear import PENALTIES, Moments, solve
from gruta.tasks.forecast.split import Origins, Split


def origins(first, end):
    return Origins(np.array([first]), np.array([end]))


def split_of(table, count=12):
    """The last origins are for validation, all before them for training."""
    first, end = table.first_origin, len(table.y) - table.horizon
    return Split(origins(first, end - count), origins(end - count, end))


def design(table, origins, step):
    """Columns `[M, C + 1]` and targets `[M]` of the linear model of one step."""
    origins = origins[:]
    future = future_features(table, origins, np.array([step]))[:, 0]
    x = np.concatenate([lags(table, origins), future, np.ones((len(origins), 1))], -1)
    return x.astype(float), table.changes(origins)[:, step - 1].astype(float)


def solved(table, ridge):
    return solve(table, split_of(table), ridge)


def test_linear_path_is_least_squares(random_table):
    table = random_table(rows=120)
    split = split_of(table)
    steps = np.arange(1, table.horizon + 1)
    features = future_features(table, split.validation[:], steps)
    found = solved(table, 1e-10)(lags(table, split.validation[:]), features)
    for step in steps.tolist():
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


@pytest.mark.parametrize("strength", [1e-2, 1.0])
def test_ridge_penalty_is_relative_to_rows_and_acts_on_standardised_columns(random_table, strength):
    table = random_table(horizon=1)
    split = split_of(table)
    by_hand = ridge_by_hand(*design(table, split.train, 1), strength)
    features = future_features(table, split.validation[:], np.array([1]))
    found = solved(table, strength)(lags(table, split.validation[:]), features)[:, 0]
    expected = by_hand(design(table, split.validation, 1)[0])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_penalty_is_the_one_that_forecasts_validation_best(random_table):
    table = random_table(lookback=12)
    validation = split_of(table).validation[:]
    paths = [solved(table, penalty) for penalty in PENALTIES]
    steps = np.arange(1, table.horizon + 1)
    features = future_features(table, validation, steps)
    errors = [
        np.abs(path(lags(table, validation), features) - table.changes(validation)).mean()
        for path in paths
    ]
    best = int(np.argmin(errors))
    assert best > 0  # with so few rows of noise, the weakest is not the best
    chosen = solved(table, 0.0)
    assert np.array_equal(chosen.on_lags, paths[best].on_lags)
    assert np.array_equal(chosen.on_future, paths[best].on_future)


def test_constant_columns_get_no_weight(random_table):
    table = random_table()
    table = replace(table, known=np.full_like(table.known, 7.0))
    path = solved(table, 1e-6)
    assert (path.on_lags[:, -1] == 0).all()  # the value at the origin less itself
    assert (path.on_future[:, :2] == 0).all()  # the covariate then and now
    assert (path.on_lags[:, :-1] != 0).all()
    assert np.isfinite(path.on_future).all()


def test_many_fits_are_solved_on_two_threads_as_on_one():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(48, 300, 171, dtype=torch.float64, generator=generator)
    y = torch.randn(48, 300, dtype=torch.float64, generator=generator)
    sums = Moments()
    sums.add(x, y)
    with threads(1):
        alone = sums.ridge(1e-3)
    with threads(2):
        together = sums.ridge(1e-3)
    for a, b in zip(alone, together, strict=True):
        torch.testing.assert_close(a, b)
