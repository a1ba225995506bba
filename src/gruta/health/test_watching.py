import gc
import warnings
import weakref

import pytest
import torch
from accelerate.tracking import GeneralTracker
from torch import nn

import gruta.nn
from gruta.errors import InputError
from gruta.health.watching import UnseenStep, watch


class Network(nn.Module):
    def __init__(self, layer=None):
        super().__init__()
        self.encoder = layer or nn.GRU(2, 6, num_layers=2, dropout=0.2)
        self.head = nn.Linear(6, 1)

    def forward(self, x):
        out, _ = self.encoder(x)
        return self.head(out[-1])


def train(model, steps=7, batch=3, length=12, size=1.0):
    """SGD on random sums; the weights after it."""
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    model.train()
    for _ in range(steps):
        x = torch.rand(length, batch, 2)
        loss = size * (model(x)[:, 0] - x.sum((0, 2))).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def seeded(layer=None):
    torch.manual_seed(0)
    return Network(layer)


def test_training_is_the_same_to_the_last_bit():
    plain = train(seeded())
    watched = seeded()
    with watch(watched, every=2):
        assert torch.equal(train(watched), plain)
    assert not watched._forward_pre_hooks
    assert not watched.encoder._forward_hooks


def test_measured_step_is_let_go_of_without_the_garbage_collector():
    model = seeded()
    seen = []
    model.encoder.register_forward_hook(lambda m, args, out: seen.append(weakref.ref(out[0])))
    gc.collect()
    gc.disable()
    try:
        with watch(model, every=1):
            train(model, steps=3)
        assert len(seen) == 3
        assert [one() for one in seen] == [None] * 3
    finally:
        gc.enable()


def test_every_so_many_steps_each_layer_is_measured():
    model = seeded()
    with watch(model, every=3) as watching:
        train(model)
    assert [record["step"] for record in watching.records] == [0, 3, 6]
    for record in watching.records:
        assert list(record) == ["step", "encoder l0", "encoder l1"]
    found = watching.records[0]["encoder l1"]
    assert found["gradient_slope"] < 0
    assert 0 < found["gradient_reach"] < 1
    assert 0.3 < found["keep_mean"] < 0.7
    assert 1.0 < found["time_constant_median"] < 2.0
    assert 0 < found["update_ratio weight_hh_l1 z"] < 1


def test_evaluation_is_no_step():
    model = seeded()
    with watch(model, every=1) as watching:
        train(model, 1)
        model.eval()
        model(torch.rand(12, 3, 2))
        with torch.no_grad():
            model.train()(torch.rand(12, 3, 2))
        train(model, 1)
    assert [record["step"] for record in watching.records] == [0, 1]


def test_head_that_sends_nothing_back_is_no_gradient_that_fades():
    model = seeded()
    nn.init.zeros_(model.head.weight)
    with watch(model, every=1) as watching:
        train(model, 2)
    first, second = (record["encoder l1"] for record in watching.records)
    assert "gradient_slope" not in first
    assert second["gradient_slope"] < 0


def test_update_ratio_is_that_of_the_step():
    model = seeded(gruta.nn.GRU(2, 6))
    before = model.encoder.weight_hh_l0.detach().clone()
    with watch(model) as watching:
        train(model, 1)
        after = model.encoder.weight_hh_l0.detach()
    change = (after - before)[6:12].norm() / before[6:12].norm()
    found = watching.records[0]["encoder l0"]["update_ratio weight_hh_l0 z"]
    assert found == pytest.approx(change.item(), rel=1e-5)


def test_gradient_is_that_of_the_last_step_the_loss_reads():
    """A loss on every step feeds the gradient anew at each, and would hide that it vanishes."""

    class EveryStep(Network):
        def forward(self, x):
            out, _ = self.encoder(x)
            return self.head(out).mean(0)

    slopes = []
    for kind in (Network, EveryStep):
        torch.manual_seed(0)
        model = kind(nn.RNN(2, 6))
        with torch.no_grad():
            model.encoder.weight_hh_l0.copy_(0.5 * torch.eye(6))
        with watch(model) as watching:
            train(model, 1, length=30)
        slopes.append(watching.records[0]["encoder l0"]["gradient_slope"])
    assert slopes[0] < -0.69
    assert slopes[1] == pytest.approx(slopes[0], rel=0.2)


class Scalars:
    def __init__(self):
        self.seen = []

    def add_scalar(self, name, value, step):
        self.seen.append((name, value, step))


class Tracker(GeneralTracker):
    name, requires_logging_directory = "mine", False

    def __init__(self):
        super().__init__()
        self.seen = []

    @property
    def tracker(self):
        return self

    def store_init_configuration(self, values):
        pass

    def log(self, values, step=None, **kwargs):
        self.seen += [(name, value, step) for name, value in values.items()]


@pytest.mark.parametrize("kind", [Scalars, Tracker])
def test_trackers_get_the_numbers(kind):
    model, tracker = seeded(), kind()
    with watch(model, every=5, tracker=tracker):
        train(model)
    names = {name for name, _, _ in tracker.seen}
    assert "gruta/encoder_l0/gradient_slope" in names
    assert {step for _, _, step in tracker.seen} == {0, 5}


def test_function_gets_the_numbers():
    seen = {}
    model = seeded()
    with watch(model, tracker=lambda values, step: seen.update({step: values})):
        train(model)
    assert seen[0]["encoder l1/keep_mean"] > 0


def test_step_that_cannot_be_seen_is_told_once_and_training_goes_on():
    model = seeded()
    with (
        pytest.warns(
            UnseenStep, match="encoder: expected a sequence of two steps at least"
        ) as told,
        watch(model, every=1) as watching,
    ):
        train(model, 4, length=1)
    assert len(told) == 1
    assert not watching.records
    with torch.no_grad():
        model.encoder.weight_hh_l1[0, 0] = float("nan")
    with (
        pytest.warns(UnseenStep, match="encoder.weight_hh_l1: holds NaN or infinity; go back"),
        watch(model),
    ):
        train(model, 1)


def test_layer_on_its_own_may_be_watched():
    layer = gruta.nn.LSTM(2, 4)
    with watch(layer) as watching, warnings.catch_warnings():
        layer(torch.rand(6, 1, 2))[0].sum().backward()
    assert list(watching.records[0]) == ["step", "LSTM l0"]


def test_what_cannot_be_watched_is_refused():
    with pytest.raises(InputError, match="found none in Linear"):
        watch(nn.Linear(1, 1))
    with pytest.raises(InputError, match="model: it is frozen, no parameter requires a gradient"):
        watch(seeded().requires_grad_(False))
    with pytest.raises(InputError, match="every: expected at least 1 step, got 0"):
        watch(seeded(), every=0)
    with pytest.raises(InputError, match=r"tracker: expected an accelerate Accelerator .* got int"):
        watch(seeded(), tracker=3)
