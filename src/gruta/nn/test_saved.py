"""What a layer saves for its backward pass: hooks see all of it, and results may be changed."""

from functools import partial

import pytest
import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils.checkpoint import checkpoint

import gruta.nn
from gruta import kernels

KINDS = {
    "gru": gruta.nn.GRU,
    "gru-reset-before": partial(gruta.nn.GRU, reset_after=False),
    "lstm": gruta.nn.LSTM,
    "lstm-projected": partial(gruta.nn.LSTM, proj_size=2),
    "rnn-tanh": gruta.nn.RNN,
    "rnn-relu": partial(gruta.nn.RNN, nonlinearity="relu"),
}
NOISE = {"recurrent_dropout": 0.3, "zoneout": 0.2}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
either_axis = pytest.mark.parametrize("batch_first", [False, True])
kept_or_not = pytest.mark.parametrize("recompute", [False, True])


def states_of(state):
    return state if isinstance(state, tuple) else (state,)


def trained(layer, run, x):
    """Every gradient of the loss that run(layer, x) returns."""
    torch.manual_seed(3)
    x = x.clone().requires_grad_()
    return torch.autograd.grad(run(layer, x), [x, *layer.parameters()])


def plain(layer, x):
    out, state = layer(x)
    return out.sin().sum() + sum(s.square().sum() for s in states_of(state))


@every_kind
@either_axis
@kept_or_not
def test_a_checkpoint_of_either_sort_gives_the_same_gradients(kind, batch_first, recompute):
    layer = kind(3, 5, 2, batch_first=batch_first, bidirectional=True, recompute=recompute, **NOISE)
    x = torch.randn(20, 30, 3)

    def checkpointed(layer, x, use_reentrant):
        return checkpoint(partial(plain, layer), x, use_reentrant=use_reentrant)

    right = trained(layer, plain, x)
    found = trained(layer, partial(checkpointed, use_reentrant=False), x)
    torch.testing.assert_close(found, right, rtol=0, atol=0)
    x = x.clone().requires_grad_()
    layer.zero_grad()
    torch.manual_seed(3)
    checkpointed(layer, x, use_reentrant=True).backward()
    found = (x.grad, *(p.grad for p in layer.parameters()))
    torch.testing.assert_close(found, right, rtol=0, atol=0)


@pytest.mark.skipif(not kernels.available(), reason="autograd saves for itself")
@every_kind
@either_axis
@kept_or_not
def test_hooks_hold_everything_that_is_saved_and_each_is_read_once(kind, batch_first, recompute):
    layer = kind(3, 5, batch_first=batch_first, recompute=recompute, **NOISE)
    x, resets = torch.randn(20, 30, 3), torch.rand(20, 30) < 0.1
    packed, storages = {}, []

    def pack(t):
        packed[len(packed)] = t.clone()
        if t.numel() > 100:  # all but the parameters
            storages.append(StorageWeakRef(t.untyped_storage()))
        return len(packed) - 1

    def run(layer, x):
        x = x.mul(1.0)  # saves nothing, and nobody else holds what it makes
        out, _ = layer(x, reset_mask=resets, lengths=[20] * x.shape[0 if batch_first else 1])
        return out.mul(2).sum()

    right = trained(layer, run, x)
    with torch.autograd.graph.saved_tensors_hooks(pack, packed.pop):
        found = trained(layer, lambda *given: loss_of(run(*given), storages), x)
    torch.testing.assert_close(found, right, rtol=0, atol=0)
    assert not packed


@every_kind
@either_axis
@kept_or_not
def test_hooks_may_hand_the_numbers_back_in_another_order(kind, batch_first, recompute):
    layer = kind(3, 5, batch_first=batch_first, recompute=recompute, dtype=torch.float64, **NOISE)
    x = torch.randn(20, 30, 3).double()
    right = trained(layer, plain, x)

    def unpack(t):
        return t.permute(*range(t.dim())[::-1]).contiguous().permute(*range(t.dim())[::-1])

    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.clone(), unpack):
        found = trained(layer, plain, x)
    torch.testing.assert_close(found, right, rtol=0, atol=0)


def halved(t):
    return t.half() if t.is_floating_point() else t


def narrowed(rows, t):
    """Without the last number of each row of a tensor that has so many rows in all."""
    return t[..., :-1].contiguous() if t.dim() > 1 and t.shape[:-1].numel() == rows else t


SPOILT = {
    "half": (halved, "x as torch.float16"),
    "x": (partial(narrowed, 3 * 4), "handed back x as"),
}


@pytest.mark.skipif(not kernels.available(), reason="autograd saves for itself")
@every_kind
@pytest.mark.parametrize("way", ["short", "general", "recompute", "node"])
@pytest.mark.parametrize(("spoil", "told"), SPOILT.values(), ids=SPOILT)
def test_hooks_that_hand_back_something_else_are_told_so(kind, way, spoil, told):
    layer = kind(3, 5, recompute=way == "recompute")
    lengths = None if way == "short" or way == "node" else [3, 2, 3, 3]
    x = torch.randn(3, 4, 3)
    if way == "node":
        out, _ = layer(x)
        for one in out.grad_fn._raw_saved_tensors:
            if one.data is not None:
                one.register_hooks(spoil, lambda t: t)
    else:
        with torch.autograd.graph.saved_tensors_hooks(spoil, lambda t: t):
            out, _ = layer(x, lengths=lengths)
    with pytest.raises(RuntimeError, match=told):
        out.sum().backward()


@pytest.mark.skipif(not kernels.available(), reason="autograd saves for itself")
@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn-tanh"])
@pytest.mark.parametrize("lengths", [None, [3, 2, 3, 3]], ids=["short", "general"])
def test_each_tensor_that_hooks_hand_back_with_a_column_less_is_refused(cell, lengths):
    layer, x, saved = KINDS[cell](3, 5), torch.randn(3, 4, 3), []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t) or t, lambda t: t):
        layer(x, lengths=lengths)
    for k, one in enumerate(saved):
        if not one.numel():
            continue
        met = iter(range(len(saved)))

        def pack(t, met=met, k=k):
            return t[..., :-1].contiguous() if next(met) == k else t

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
            out, _ = layer(x, lengths=lengths)
        with pytest.raises(RuntimeError, match="a hook on saved tensors handed back"):
            out.sum().backward()


def loss_of(loss, storages):
    """The loss, once nothing that was packed is held by others than the hooks."""
    assert len(storages) > 3
    assert all(storage.expired() for storage in storages)
    return loss


@pytest.mark.skipif(not kernels.available(), reason="autograd saves for itself")
@every_kind
def test_nothing_is_saved_that_the_way_back_does_not_read(kind):
    layer, saved = kind(3, 5), []

    def pack(t):
        saved.append(tuple(t.shape))
        return t

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        out, state = layer(torch.randn(7, 2, 3))
    gates = kernels.cell_facts()[layer.cell.name][2] * 5
    expected = [(7, 2, 3), (7, 2, gates), tuple(out.shape)]
    expected += [tuple(s.shape) for s in states_of(state)]  # those to start from
    expected += [tuple(p.shape) for p in layer.parameters()]
    assert sorted(saved) == sorted(expected)


def relu(layer, x):
    out, state = layer(x)
    return torch.relu_(out).sum() + sum(s.sum() for s in states_of(state))


def mask(layer, x):
    out, state = layer(x)
    out[:, 3:] = 0
    for s in states_of(state):
        s[:, ::2] = 0
    return out.sum() + sum(s.square().sum() for s in states_of(state))


def part(layer, x):
    out = layer(x)[0][1:].detach()  # what is left of the output by the time it is changed
    out.zero_()
    return plain(layer, x)


def rollout(layer, x):
    state, total = None, 0.0
    for t in range(4):
        steps = slice(t, t + 1)
        out, state = layer(x[:, steps] if layer.batch_first else x[steps], state)
        total = total + out.sum()
        for s in states_of(state):
            s[:, t % 2] = 0
    return total


@every_kind
@either_axis
@kept_or_not
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("change", [relu, mask, part, rollout])
def test_results_may_be_changed_in_place(kind, batch_first, recompute, directions, change):
    options = {"batch_first": batch_first, "bidirectional": directions == 2}
    layer = kind(3, 5, recompute=recompute, dtype=torch.float64, **options)
    assert_change_does_not_matter(layer, change)


def assert_change_does_not_matter(layer, change):
    """The gradients are those of copies of the results that are changed in their place."""
    x = torch.randn(4, 4, 3).double()
    right = trained(layer, lambda layer, x: change(Copying(layer), x), x)
    torch.testing.assert_close(trained(layer, change, x), right, rtol=0, atol=0)


class Copying:
    """A layer whose results are copies of what it computed."""

    def __init__(self, layer):
        self.layer, self.batch_first = layer, layer.batch_first

    def __call__(self, x, state=None):
        out, state = self.layer(x, state)
        copies = tuple(s.clone() for s in states_of(state))
        return out.clone(), copies if len(copies) > 1 else copies[0]


@either_axis
@pytest.mark.parametrize("options", [{}, {"layer_norm": True}, {"num_layers": 2}], ids=str)
def test_results_of_every_path_may_be_changed_in_place(batch_first, options):
    layer = gruta.nn.GRU(3, 5, batch_first=batch_first, dtype=torch.float64, **options)
    for change in (relu, mask, rollout):
        assert_change_does_not_matter(layer, change)


@every_kind
@either_axis
def test_results_are_no_views_and_hooks_on_them_are_called(kind, batch_first):
    layer = kind(3, 5, batch_first=batch_first)
    for x in (torch.randn(4, 2, 3), torch.randn(4, 3)):
        for context in (torch.enable_grad, torch.no_grad):
            with context():
                out, state = layer(x)
                assert not any(t._is_view() for t in (out, *states_of(state)))
        called = []
        out, state = layer(x)
        out.register_hook(called.append)
        torch.relu_(out).sum().backward()
        assert len(called) == 1
        for t in states_of(state):
            t.detach_()


@every_kind
@either_axis
def test_states_from_before_training_may_be_changed_while_training(kind, batch_first):
    layer, scale = kind(3, 5, batch_first=batch_first), torch.ones(1, requires_grad=True)
    for x in (torch.randn(4, 2, 3), torch.randn(4, 3)):
        with torch.no_grad():
            out, state = layer(x)
        for t in (out, *states_of(state)):
            t.mul_(scale)
            assert t.requires_grad
