import numpy as np
import pytest
import torch

from gruta.codec.series.features import Past, windows
from gruta.nn import CELLS
from gruta.tasks.forecast.network import ForecastNetwork, Standardise, pinball
from gruta.tasks.forecast.settings import ForecastSettings
from gruta.tasks.forecast.split import Origins, Split

LEVELS = ((0.5,), (0.1, 0.5), (0.1, 0.5, 0.9), (0.05, 0.2, 0.5, 0.6, 0.95))


def origins(first, end):
    return Origins(np.array([first]), np.array([end]))


def split_of(table, validation=12):
    """The last rows are for validation, all before them for training."""
    first, end = table.first_origin, len(table.y) - table.horizon
    ends = np.array([first]), np.array([end - 1])
    return Split(origins(first, end - validation), origins(end - validation, end), ends)


def test_standardise_gives_zero_for_a_constant_column():
    rows = torch.tensor([[1.0, 5.0], [3.0, 5.0]])
    scale = Standardise(2)
    scale.fit([rows[:1], rows[1:]])
    assert scale(rows)[:, 0].tolist() == pytest.approx([-(0.5**0.5), 0.5**0.5])
    assert scale(rows + 100)[:, 1].tolist() == [0, 0]


def network_on(table, levels=(0.1, 0.5, 0.9), cell="gru"):
    torch.manual_seed(0)
    settings = ForecastSettings(hidden=6, quantiles=levels, cell=cell)
    network, past = ForecastNetwork.of(table, settings), Past(table)
    network.prepare(table, past, split_of(table), 0.0)
    return network, past


@pytest.mark.parametrize("cell", CELLS)
def test_torchs_layers_can_take_the_place_of_grutas(random_table, cell):
    table, layers = random_table(), {cell: getattr(torch.nn, cell.upper())}
    settings = ForecastSettings(hidden=6, cell=cell)
    ours, theirs = (ForecastNetwork.of(table, settings, each) for each in (CELLS, layers))
    assert type(theirs.encoder) is type(theirs.decoder) is layers[cell]
    assert list(ours.state_dict()) == list(theirs.state_dict())


AT = np.array([[2, 4], [0, 4]])
"""The origins' places in two windows."""


def tensors(batch):
    return {name: torch.from_numpy(values) for name, values in batch.items()}


def batch_of(table, past):
    return tensors(windows(table, past, np.array([30, 41]), AT, table.lookback))


def window_of(table, past, last, length):
    """One window of this length, forecast from at its end."""
    return tensors(windows(table, past, np.array([last]), np.array([[length - 1]]), length))


@pytest.mark.parametrize("levels", LEVELS)
def test_untrained_network_is_the_linear_path(random_table, levels):
    table = random_table()
    network, past = network_on(table, levels)
    batch = batch_of(table, past)
    forecast, _ = network(batch)
    assert forecast.shape == (2, 2, 3, len(levels))
    linear = network.linear(batch["lags"], batch["recent"], batch["future"])
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
        whole, end = network(window_of(table, past, 40, 10))
        _, half = network(window_of(table, past, 35, 5))
        rest, last = network(window_of(table, past, 40, 5), half)
        torch.testing.assert_close(rest, whole)
        torch.testing.assert_close(last, end)


def test_pinball_loss_by_hand():
    forecast = torch.tensor([[1.0, 2.0, 4.0]])
    # Errors 2, 1, -1: 0.1·2 and 0.1·1 count half, the median's 0.5·1 whole.
    loss = pinball(forecast, torch.tensor([3.0]), (0.1, 0.5, 0.9))
    assert float(loss) == pytest.approx((0.5 * 0.2 + 0.5 + 0.5 * 0.1) / 3)


def test_what_is_mixed_is_what_lies_side_by_side(random_table):
    network, _ = network_on(random_table())
    H, F = network.encoder.hidden_size, network.mix.in_features - 2 * network.encoder.hidden_size
    decoded, h, future = torch.randn(2, 3, 4, H), torch.randn(2, 3, H), torch.randn(2, 3, 4, F)
    beside = torch.cat([decoded, h.unsqueeze(2).expand(-1, -1, 4, -1), future], -1)
    found = network.mix(decoded, h.unsqueeze(2), future)
    torch.testing.assert_close(found, network.mix(beside))
