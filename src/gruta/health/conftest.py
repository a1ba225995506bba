"""Models and runs that the tests of the measures share."""

import pytest
import torch
from torch import nn

import gruta.nn
from gruta.health.passes import passes
from gruta.health.sight import Sight, recurrent_layers
from gruta.nn.twin import twin

KINDS = {
    "torch-gru": (nn.GRU, {}),
    "torch-lstm": (nn.LSTM, {}),
    "torch-projected": (nn.LSTM, {"proj_size": 3}),
    "torch-rnn": (nn.RNN, {"nonlinearity": "relu"}),
    "gru": (gruta.nn.GRU, {}),
    "gru-before": (gruta.nn.GRU, {"reset_after": False}),
    "gru-norm": (gruta.nn.GRU, {"layer_norm": True, "zoneout": 0.2}),
    "lstm": (gruta.nn.LSTM, {"zoneout": 0.3}),
    "lstm-norm": (gruta.nn.LSTM, {"layer_norm": True}),
    "rnn": (gruta.nn.RNN, {"zoneout": 0.1}),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def layer_of(kind, *sizes, **options):
    """A layer in evaluation, float64."""
    torch.manual_seed(0)
    made, own = KINDS[kind]
    return made(*sizes, **own, **options, dtype=torch.float64).eval()


def seen(layer, x, loss=None):
    """The passes of the layer's run over x, with the gradient of loss(output, final state)."""
    layers = recurrent_layers(layer)
    with Sight(layers) as sight:
        results = layer(x)
        if loss is not None:
            loss(*results).backward()
    ((name, call),) = sight.calls.items()
    return passes(twin(layers[name]), call)
