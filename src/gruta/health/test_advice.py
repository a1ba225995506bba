"""Advice: each rule where it applies and where it does not, and that following it helps."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import gruta.nn
from gruta.health.advice import advise, first
from gruta.health.conftest import layer_of, seen
from gruta.health.memory import Influence
from gruta.health.passes import Pass, passes
from gruta.health.sight import Sight, recurrent_layers
from gruta.nn.twin import twin

T, H = 40, 8


def made(keep=0.5, reset=0.5, h=None, fade=None, cell="gru"):
    """A pass with gates that never change, and a gradient that fades by `fade` a step."""
    h = np.random.default_rng(0).normal(size=(T, H)) if h is None else h
    gates = {"r": np.full((T, H), reset), "z": np.full((T, H), keep)} if cell == "gru" else {}
    through = ()
    if fade is not None:
        through = (np.ones((T, H)) * (fade ** np.arange(T)[::-1])[:, None],)
    return Pass("gru l0", cell, False, True, h, h, h, gates, {}, through=through)


def rules(*passes_, **more):
    return [advice.rule for advice in advise(passes_, **more)]


def test_gradient_that_does_not_arrive_is_told_with_its_evidence():
    (advice,) = advise([made(fade=0.6)], lag=30)
    assert (advice.rule, advice.confidence) == ("short_memory", "medium")
    assert advice.finding == (
        "30 steps back, 4·10⁻⁷ of the gradient is left; nine of ten units leak away within "
        "1.4 steps"
    )
    assert advice.code == 'gruta.nn.GRU(..., init="chrono", longest_lag=30)'
    assert advise([made(fade=0.6)])[0].confidence == "low"  # nobody said that 40 are needed
    assert rules(made(fade=0.6), lag=5) == []


def test_plain_network_is_told_to_use_gates():
    advice = first(advise([made(fade=0.6, cell="rnn_tanh")], lag=30), "vanishing")
    assert advice.remedy == "use gates: a GRU keeps a path on which it does not fade"
    assert advice.confidence == "high"  # it cannot learn to open a gate, as a GRU may


def test_gradient_that_grows_is_told():
    advice = first(advise([made(fade=1.1)]), "exploding")
    assert advice.finding == "the gradient grows by 10% a step on its way back, 41.14 times in all"
    assert advice.confidence == "medium"
    assert first(advise([made(fade=1.15)]), "exploding").confidence == "high"
    assert rules(made(fade=1.02)) == []  # by 2 % a step, but over 40 steps that is little


def test_layer_that_no_gradient_reaches_is_told_and_nothing_is_made_of_its_zeros():
    silent = made(keep=0.5, fade=0.0)
    assert rules(replace(silent, through=(np.zeros((T, H)),)), lag=30) == ["no_gradient"]


def test_leak_alone_is_weak_evidence():
    advice = first(advise([made(keep=0.5)]), "short_memory")
    assert advice.confidence == "low"
    assert rules(made(keep=0.95)) == ["frozen_units"]


@pytest.mark.parametrize(
    ("one", "rule"),
    [
        (made(keep=0.95, fade=1.0), "frozen_units"),
        (made(keep=0.05, fade=1.0), "memoryless_units"),
        (made(reset=0.99, fade=1.0), "reset_unused"),
        (made(h=np.ones((T, H)), fade=1.0), "idle_units"),
    ],
)
def test_gates_and_units_that_do_nothing_are_told(one, rule):
    assert rules(one) == [rule]


def test_window_shorter_than_the_memory_is_told():
    norms = np.ones((1, 100))
    found = {"gru": Influence(norms, np.array([99]), both_ways=False)}
    assert rules(influences=found, window=20) == ["window_too_short"]
    assert rules(influences=found, window=100) == []


@pytest.mark.parametrize(
    ("share", "cosine", "steps", "mode", "expected"),
    [
        (0.9, 1.0, 100, "norm", ["clips_nearly_always"]),
        (0.1, 1.0, 100, "norm", []),
        (0.0, 1.0, 1000, "norm", ["never_clips"]),
        (0.0, 1.0, 100, "norm", []),
        (0.2, 0.6, 100, "value", ["clipping_turns"]),
        (0.2, 0.8, 100, "value", []),
        (0.9, 1.0, 10, "norm", []),
    ],
)
def test_clipping_that_does_too_much_or_nothing_is_told(share, cosine, steps, mode, expected):
    clipping = {"steps": steps, "clipped_share": share, "mean_cosine": cosine}
    assert rules(clipping=clipping, mode=mode) == expected


@pytest.mark.parametrize(("ratio", "remedy"), [(0.3, "lower"), (1e-6, "raise"), (1e-3, None)])
def test_updates_of_an_unusual_size_are_told(ratio, remedy):
    found = advise([], updates={"weight_hh_l0 z": ratio})
    assert [advice.remedy.split()[0] for advice in found] == ([remedy] if remedy else [])


def test_at_most_three_pieces_the_surest_first():
    clipping = {"steps": 100, "clipped_share": 0.9, "mean_cosine": 0.5}
    found = advise(
        [made(fade=0.6, cell="rnn_tanh"), made(keep=0.05, reset=0.99, fade=0.6)],
        clipping=clipping,
        mode="value",
        updates={"weight_hh_l0": 0.5},
        lag=T,
    )
    assert [a.confidence for a in found] == ["high", "high", "medium"]


# ---- following it helps


LONG = 200


def adding(batch, generator):
    """The adding problem (Hochreiter and Schmidhuber 1997) over 200 steps: x `[T, B, 2]`, y `[B]`.

    One of the numbers to add stands in the first ten steps.
    """
    x = torch.zeros(LONG, batch, 2)
    x[..., 0] = torch.rand(LONG, batch, generator=generator)
    rows = torch.arange(batch)
    for low, high in ((0, 10), (10, LONG)):
        x[torch.randint(low, high, (batch,), generator=generator), rows, 1] = 1.0
    return x, (x[..., 0] * x[..., 1]).sum(0)


class Adder(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer
        self.head = nn.Linear(layer.hidden_size, 1)

    def forward(self, x):
        return self.head(self.layer(x)[0][-1])[:, 0]


def learned(model, steps):
    """The mean squared error on fresh sequences after so many steps."""
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(steps):
        x, y = adding(32, generator)
        loss = (model(x) - y).square().mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    x, y = adding(500, generator)
    with torch.no_grad():
        return float((model(x) - y).square().mean())


def test_network_that_forgets_is_diagnosed_and_learns_once_the_advice_is_followed():
    torch.manual_seed(0)
    layer = gruta.nn.GRU(2, 24)
    with torch.no_grad():
        layer.bias_ih_l0[24:48] = -2.0  # its update gate lets go at once
    model = Adder(layer)
    x, y = adding(1, torch.Generator().manual_seed(1))
    with Sight(recurrent_layers(model)) as sight:
        (model(x) - y).square().mean().backward()
    (call,) = sight.calls.values()
    advice = first(advise(passes(twin(layer), call.from_its_end(1)), lag=LONG), "short_memory")
    assert advice.confidence == "medium"
    assert advice.code == 'gruta.nn.GRU(..., init="chrono", longest_lag=200)'
    without = learned(model, 350)
    torch.manual_seed(0)
    with_advice = learned(Adder(gruta.nn.GRU(2, 24, init="chrono", longest_lag=LONG)), 350)
    constant = 1 / 6  # the variance of the sum: what one gets by always answering 1
    assert without > 0.8 * constant
    assert with_advice < 0.1 * constant


def test_measured_network_gives_the_same_advice():
    one = seen(layer_of("torch-gru", 2, H), torch.randn(T, 1, 2).double(), lambda o, h: h.sum())
    assert rules(*one, lag=T) == ["short_memory"]
