"""Rows of unequal length: `lengths` on a padded batch, and torch's packed form."""

from functools import partial

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import gruta.nn

LENGTHS = [2, 5, 1, 4]


@pytest.fixture(params=[False, True], ids=["one-way", "both-ways"])
def layer(request, kind):
    options = {"num_layers": 2, "bidirectional": request.param, "dtype": torch.float64}
    return kind.make(3, 6, **options)


@pytest.mark.parametrize(
    "lengths", [LENGTHS, torch.tensor(LENGTHS), torch.tensor(LENGTHS, dtype=torch.int32)], ids=str
)
def test_padded_with_lengths_equals_packed(kind, layer, lengths, assert_close):
    x, initial = torch.randn(6, 4, 3).double(), kind.initial(layer, 4, torch.float64)
    padded = kind.results(layer, x, initial, lengths=lengths)
    feed = partial(pack_padded_sequence, lengths=LENGTHS, enforce_sorted=False)

    class Padded(torch.nn.Module):
        """The packed call with its output padded again, and the layer's own parameters."""

        def forward(self, packed, hx):
            out, state = layer(packed, hx)
            return pad_packed_sequence(out, total_length=6)[0], state

        def named_parameters(self):
            return layer.named_parameters()

    assert_close(padded, kind.results(Padded(), x, initial, feed))
    for row, length in enumerate(LENGTHS):
        assert not padded["output_0"][length:, row].any()
        assert not padded["d_x"][length:, row].any()


def test_row_of_length_zero_keeps_its_state_and_gives_zeros(kind, layer, assert_close):
    x, initial = torch.randn(6, 4, 3).double(), kind.initial(layer, 4, torch.float64)
    out, state = layer(x, kind.given(initial), lengths=[0, 6, 0, 3])
    assert not out[:, [0, 2]].any()
    for final, first in zip(kind.tensors(state), initial, strict=True):
        assert torch.equal(final[:, [0, 2]], first[:, [0, 2]])
    others = [state[:, [1, 3]] for state in initial]
    alone, _ = layer(x[:, [1, 3]], kind.given(others), lengths=[6, 3])
    assert_close(out[:, [1, 3]], alone)


def test_what_stands_past_a_length_does_not_matter(kind, layer):
    x = torch.randn(6, 4, 3).double()
    spoilt = x.clone()
    for row, length in enumerate(LENGTHS):
        spoilt[length:, row] = torch.nan
    clean, dirty = (kind.results(layer, xs, lengths=LENGTHS) for xs in (x, spoilt))
    for name, value in clean.items():
        assert torch.equal(dirty[name], value), name


def test_lengths_count_time_steps_when_the_batch_comes_first(kind, assert_close):
    layer, time_first = kind.make(3, 6, batch_first=True), kind.make(3, 6)
    time_first.load_state_dict(layer.state_dict())
    x = torch.randn(4, 6, 3)
    expected, _ = time_first(x.transpose(0, 1), lengths=LENGTHS)
    assert_close(layer(x, lengths=LENGTHS)[0], expected.transpose(0, 1))


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([1, 2, 3], "expected 4 integers, one a row of the batch, got shape \\[3\\]"),
        ([[1, 2, 3, 4]], "got shape \\[1, 4\\]"),
        ([1.0, 2.0, 3.0, 4.0], "torch.float32"),
        ([True] * 4, "torch.bool"),
        ([1, 2, 3, 7], "from 0 to 6, got \\[1, 2, 3, 7\\]"),
        ([-1, 2, 3, 4], "from 0 to 6, got \\[-1"),
    ],
)
def test_wrong_lengths_are_refused(lengths, message):
    with pytest.raises(ValueError, match=message):
        gruta.nn.GRU(3, 6)(torch.zeros(6, 4, 3), lengths=lengths)


def test_lengths_without_a_padded_batch_are_refused():
    layer = gruta.nn.GRU(3, 6)
    with pytest.raises(ValueError, match="a PackedSequence has its own"):
        layer(pack_padded_sequence(torch.zeros(6, 2, 3), [6, 2]), lengths=[6, 2])
    with pytest.raises(ValueError, match="no batch axis"):
        layer(torch.zeros(6, 3), lengths=[6])


@pytest.mark.parametrize("recompute", [False, True])
def test_masks_may_change_once_the_forward_pass_is_over(recompute):
    layer = gruta.nn.GRU(3, 5, recompute=recompute)
    x, lengths, resets = torch.randn(6, 2, 3), torch.tensor([6, 4]), torch.rand(6, 2) < 0.4
    gradients = []
    for changes in (False, True):
        out, _ = layer(x, lengths=lengths, reset_mask=resets)
        if changes:
            lengths.fill_(1)
            resets.logical_not_()
        gradients.append(torch.autograd.grad(out.square().sum(), list(layer.parameters())))
    for a, b in zip(*gradients, strict=True):
        assert torch.equal(a, b)
