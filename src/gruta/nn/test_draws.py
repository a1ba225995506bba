"""Layers draw from generators of a seed's own where that is asked for, the numbers of torch's."""

import pytest
import torch

from gruta.nn.dense import Embedding, Linear
from gruta.nn.draws import drawing

NOISE = {"num_layers": 2, "dropout": 0.3, "recurrent_dropout": 0.2, "zoneout": 0.1}


def drawn(kind, init):
    """Weights, and the output of a training pass, with all that is drawn in either."""
    lag = {"longest_lag": 10} if init == "chrono" else {}
    layer = kind.make(3, 6, bidirectional=True, init=init, **lag, **NOISE)
    return [*layer.parameters(), layer(torch.ones(5, 4, 3))[0]]


@pytest.mark.parametrize("init", ["torch", "orthogonal", "chrono"])
def test_generators_of_a_seed_give_what_torchs_own_gives_and_leave_it_alone(kind, init):
    if init == "chrono" and "rnn" in kind.id:
        pytest.skip("the RNN has no gate to set")
    torch.manual_seed(7)
    expected = drawn(kind, init)
    torch.manual_seed(8)
    before = torch.get_rng_state()
    with drawing(7):
        found = drawn(kind, init)
    assert all(map(torch.equal, found, expected))
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(drawn(kind, init)[-1], expected[-1])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda: Linear(3, 5), lambda: torch.nn.Linear(3, 5)),
        (lambda: Linear(3, 5, bias=False), lambda: torch.nn.Linear(3, 5, bias=False)),
        (lambda: Embedding(4, 3, padding_idx=0), lambda: torch.nn.Embedding(4, 3, padding_idx=0)),
    ],
    ids=["linear", "without bias", "embedding"],
)
def test_dense_layers_start_as_torchs(ours, theirs):
    torch.manual_seed(7)
    expected = theirs().state_dict()
    with drawing(7):
        found = ours().state_dict()
    assert list(found) == list(expected)
    assert all(torch.equal(found[name], expected[name]) for name in expected)
