"""Layers of random weights, each kind."""

import numpy as np
import pytest

from gruta.exchange.layer import GATES, Layer, Side

KINDS = {
    "gru": {"cell": "gru"},
    "gru-before": {"cell": "gru", "reset_after": False},
    "lstm": {"cell": "lstm"},
    "rnn-tanh": {"cell": "rnn"},
    "rnn-relu": {"cell": "rnn", "nonlinearity": "relu"},
}


def drawn(rng, inputs, hidden, *, cell, directions=(False,), **form):
    """A layer with weights between -0.5 and 0.5."""
    G = GATES[cell]
    shapes = (G * hidden, inputs), (G * hidden, hidden), (G * hidden,), (G * hidden,)
    sides = [
        Side(*(rng.uniform(-0.5, 0.5, s).astype(np.float32) for s in shapes), reverse)
        for reverse in directions
    ]
    return Layer(cell, sides, **form)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(params=KINDS)
def kind(request):
    return KINDS[request.param]
