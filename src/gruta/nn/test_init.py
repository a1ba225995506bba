import math

import pytest
import torch

from gruta.nn import GRU, LSTM, RNN

H = 6
LAYERS = [GRU, LSTM, RNN]
every_layer = pytest.mark.parametrize("make", LAYERS, ids=lambda make: make.__name__)


def parameters(layer, prefix):
    found = {name: p for name, p in layer.named_parameters() if name.startswith(prefix)}
    assert found
    return found.values()


@every_layer
def test_orthogonal_blocks_are_orthogonal(make):
    layer = make(3, H, num_layers=2, bidirectional=True, init="orthogonal")
    for weight in parameters(layer, "weight_hh"):
        for block in weight.chunk(layer.gates):
            torch.testing.assert_close(block @ block.T, torch.eye(H))
    for weight in parameters(layer, "weight_ih"):
        for block in weight.chunk(layer.gates):
            bound = math.sqrt(6 / (block.shape[0] + block.shape[1]))
            assert 0.5 * bound < block.abs().max() <= bound
    for bias in parameters(layer, "bias_hh"):
        assert not bias.any()


def test_orthogonal_projection_keeps_lengths():
    layer = LSTM(3, H, proj_size=4, init="orthogonal")
    torch.testing.assert_close(layer.weight_hr_l0 @ layer.weight_hr_l0.T, torch.eye(4))


def test_orthogonal_opens_only_the_lstms_forget_gate():
    i, f, g, o = LSTM(3, H, init="orthogonal").bias_ih_l0.chunk(4)
    assert (f == 1).all()
    assert not torch.cat([i, g, o]).any()
    assert not GRU(3, H, init="orthogonal").bias_ih_l0.any()


@every_layer
def test_torch_scheme_is_torchs(make):
    torch.manual_seed(3)
    ours = make(3, H, num_layers=2)
    torch.manual_seed(3)
    theirs = getattr(torch.nn, make.__name__)(3, H, num_layers=2)
    for mine, torchs in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(mine, torchs)


@pytest.mark.parametrize(("make", "keep"), [(GRU, 1), (LSTM, 1)])
def test_chrono_sets_the_keep_gate_to_lags_up_to_the_longest(make, keep):
    torch.manual_seed(0)
    layer = make(3, 500, bidirectional=True, init="chrono", longest_lag=100)
    bound = 1 / math.sqrt(500)
    for b_ih, b_hh in zip(parameters(layer, "bias_ih"), parameters(layer, "bias_hh"), strict=True):
        lags = b_ih.chunk(layer.gates)[keep].exp()
        assert 1 <= lags.min() < 5
        assert 94 < lags.max() <= 99.001
        assert lags.mean().item() == pytest.approx(50, rel=0.1)  # uniform in the lag
        assert not b_hh.chunk(layer.gates)[keep].any()
        for gate, (input_part, state_part) in enumerate(
            zip(b_ih.chunk(layer.gates), b_hh.chunk(layer.gates), strict=True)
        ):
            if make is LSTM and gate == 0:
                assert torch.equal(input_part, -b_ih.chunk(4)[keep])
                assert not state_part.any()
            elif gate != keep:
                assert 0 < input_part.abs().max() <= bound
                assert 0 < state_part.abs().max() <= bound


@every_layer
@pytest.mark.parametrize("init", ["torch", "orthogonal", "chrono"])
def test_the_seed_decides_the_weights(make, init):
    if make is RNN and init == "chrono":
        pytest.skip("the RNN has no gate to set")
    longest_lag = 10 if init == "chrono" else None

    def drawn(seed):
        torch.manual_seed(seed)
        layer = make(3, H, init=init, longest_lag=longest_lag)
        return torch.cat([p.flatten() for p in layer.parameters()])

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (GRU, {"init": "xavier"}, "expected one of torch, orthogonal, chrono, got 'xavier'"),
        (GRU, {"init": "chrono"}, "longest_lag.*got None"),
        (GRU, {"init": "chrono", "longest_lag": 2}, "at least 3; got 2"),
        (GRU, {"longest_lag": 10}, "only init='chrono' uses it"),
        (LSTM, {"init": "orthogonal", "longest_lag": 10}, "only init='chrono' uses it"),
        (RNN, {"init": "chrono", "longest_lag": 10}, "the RNN has none"),
        (GRU, {"init": "chrono", "longest_lag": 10, "bias": False}, "expected bias=True"),
    ],
)
def test_scheme_that_cannot_be_is_refused(make, arguments, message):
    with pytest.raises(ValueError, match=message):
        make(3, H, **arguments)
