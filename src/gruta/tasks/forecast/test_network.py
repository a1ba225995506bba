from dataclasses import replace

import numpy as np
import pytest
import torch

from gruta.nn import CELLS
from gruta.settings import ForecastSettings
from gruta.surroundings import threads
from gruta.tasks.forecast.features import future_features, lags, past_features, windows
from gruta.tasks.forecast.network import (
    PENALTIES,
    ForecastNetwork,
    LinearPath,
    Moments,
    Standardise,
    pinball,
)
from gruta.tasks.forecast.split import Split

LEVELS = ((0.5,), (0.1, 0.5), (0.1, 0.5, 0.9), (0.05, 0.2, 0.5, 0.6, 0.95))


def split_of(table, validation=12):
    """The last rows are for validation, all before them for training."""
    first, end = table.first_origin, len(table.y) - table.horizon
    return Split(torch.arange(first, end - validation), torch.arange(end - validation, end))


def design(table, origins, step):
    """Columns `[M, C + 1]` and targets `[M]` of the linear model of one step."""
    future = future_features(table, origins, torch.tensor([step]))[:, 0]
    x = torch.cat([lags(table, origins), future, torch.ones(len(origins), 1)], -1)
    return x.double().numpy(), table.changes(origins)[:, step - 1].double().numpy()


def solved(table, ridge):
    path = LinearPath(table.horizon, table.lookback, table.future_width)
    path.solve(table, split_of(table), ridge)
    return path


def test_linear_path_is_least_squares(random_table):
    table = random_table(rows=120)
    split = split_of(table)
    steps = torch.arange(1, table.horizon + 1)
    features = future_features(table, split.validation, steps)
    found = solved(table, 1e-10)(lags(table, split.validation), features)
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
    features = future_features(table, split.validation, torch.tensor([1]))
    found = solved(table, strength)(lags(table, split.validation), features)[:, 0]
    expected = by_hand(design(table, split.validation, 1)[0])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_penalty_is_the_one_that_forecasts_validation_best(random_table):
    table = random_table(lookback=12)
    split = split_of(table)
    paths = [solved(table, penalty) for penalty in PENALTIES]
    steps = torch.arange(1, table.horizon + 1)
    features = future_features(table, split.validation, steps)
    errors = [
        float(
            (path(lags(table, split.validation), features) - table.changes(split.validation))
            .abs()
            .mean()
        )
        for path in paths
    ]
    best = int(np.argmin(errors))
    assert best > 0  # with so few rows of noise, the weakest is not the best
    chosen = solved(table, 0.0)
    assert torch.equal(chosen.on_lags, paths[best].on_lags)
    assert torch.equal(chosen.on_future, paths[best].on_future)


def test_constant_columns_get_no_weight(random_table):
    table = random_table()
    table = replace(table, known=torch.full_like(table.known, 7.0))
    path = solved(table, 1e-6)
    assert (path.on_lags[:, -1] == 0).all()  # the value at the origin less itself
    assert (path.on_future[:, :2] == 0).all()  # the covariate then and now
    assert (path.on_lags[:, :-1] != 0).all()
    assert torch.isfinite(path.on_future).all()


def test_standardise_gives_zero_for_a_constant_column():
    rows = torch.tensor([[1.0, 5.0], [3.0, 5.0]])
    scale = Standardise(2)
    scale.fit(rows)
    assert scale(rows)[:, 0].tolist() == pytest.approx([-(0.5**0.5), 0.5**0.5])
    assert scale(rows + 100)[:, 1].tolist() == [0, 0]


def network_on(table, levels=(0.1, 0.5, 0.9), cell="gru"):
    torch.manual_seed(0)
    settings = ForecastSettings(hidden=6, quantiles=levels, cell=cell)
    network, past = ForecastNetwork.of(table, settings), past_features(table)
    network.prepare(table, past, split_of(table), 0.0)
    return network, past


@pytest.mark.parametrize("cell", CELLS)
def test_torchs_layers_can_take_the_place_of_grutas(random_table, cell):
    table, layers = random_table(), {cell: getattr(torch.nn, cell.upper())}
    settings = ForecastSettings(hidden=6, cell=cell)
    ours, theirs = (ForecastNetwork.of(table, settings, each) for each in (CELLS, layers))
    assert type(theirs.encoder) is type(theirs.decoder) is layers[cell]
    assert list(ours.state_dict()) == list(theirs.state_dict())


def batch_of(table, past):
    last = torch.tensor([30, 41])
    return windows(table, past, last, torch.tensor([[2, 4], [0, 4]]), table.lookback)


@pytest.mark.parametrize("levels", LEVELS)
def test_untrained_network_is_the_linear_path(random_table, levels):
    table = random_table()
    network, past = network_on(table, levels)
    batch = batch_of(table, past)
    forecast, _ = network(batch)
    assert forecast.shape == (2, 2, 3, len(levels))
    linear = network.linear(batch["lags"], batch["future"])
    assert torch.equal(forecast[..., levels.index(0.5)], linear)


@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn"])
def test_quantiles_come_in_order_whatever_the_weights(random_table, levels, cell):
    table = random_table()
    network, past = network_on(table, levels, cell)
    for p in network.parameters():
        torch.nn.init.normal_(p, std=2.0)
    forecast, _ = network(batch_of(table, past))
    assert (forecast.diff(dim=-1) >= 0).all()


def test_origin_in_a_window_sees_the_rows_up_to_it(random_table):
    table = random_table()
    network, past = network_on(table)
    torch.nn.init.normal_(network.head.weight)
    batch = batch_of(table, past)
    batch["past"].requires_grad_()
    forecast, _ = network(batch)
    felt = torch.autograd.grad(forecast[0, 0].sum(), batch["past"])[0].abs().sum(-1)
    assert (felt[0, :3] > 0).all()  # the origin is at place 2
    assert (felt[0, 3:] == 0).all()
    assert (felt[1] == 0).all()


def test_state_goes_on_where_the_last_window_ended(random_table):
    table = random_table()
    for cell in ("gru", "lstm", "rnn"):
        network, past = network_on(table, cell=cell)
        torch.nn.init.normal_(network.head.weight)
        at = torch.tensor([[9]])
        whole, end = network(windows(table, past, torch.tensor([40]), at, 10))
        _, half = network(windows(table, past, torch.tensor([35]), torch.tensor([[4]]), 5))
        rest, last = network(windows(table, past, torch.tensor([40]), torch.tensor([[4]]), 5), half)
        torch.testing.assert_close(rest, whole)
        torch.testing.assert_close(last, end)


def test_pinball_loss_by_hand():
    forecast = torch.tensor([[1.0, 2.0, 4.0]])
    # Errors 2, 1, -1: 0.1·2 and 0.1·1 count half, the median's 0.5·1 whole.
    loss = pinball(forecast, torch.tensor([3.0]), (0.1, 0.5, 0.9))
    assert float(loss) == pytest.approx((0.5 * 0.2 + 0.5 + 0.5 * 0.1) / 3)


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
