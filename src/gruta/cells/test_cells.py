"""What every cell meets, on every path; what only one of them does is tested in its own folder."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import example, given, settings
from torch import Tensor
from torch.autograd import forward_ad, gradcheck, gradgradcheck

from gruta.cells.op import Path, Walk, choose, run

LENGTHS = [3, 0, 7, 1, 6]
WALKS = [
    pytest.param(Walk(lengths, reverse), id=f"{name}-{'backward' if reverse else 'forward'}")
    for name, lengths in (("whole", None), ("lengths", torch.tensor(LENGTHS)))
    for reverse in (False, True)
]
every_walk = pytest.mark.parametrize("walk", WALKS)
every_bias = pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])


def random_like(tensors: Sequence[Tensor], seed: int = 1) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(t.shape, generator=generator, dtype=t.dtype) for t in tensors)


def gradients(
    outputs: Sequence[Tensor], tensors: Sequence[Any], d_outputs: Sequence[Tensor]
) -> list[Tensor | None]:
    """∂L/∂(each of `tensors`), None for each None."""
    found = iter(torch.autograd.grad(outputs, [t for t in tensors if t is not None], d_outputs))
    return [None if t is None else next(found) for t in tensors]


def given_only(tensors: Sequence[Any], values: Sequence[Any]) -> list[Any]:
    """The values that stand where `tensors` has one: the reference differentiates left-out biases too."""
    return [v for t, v in zip(tensors, values, strict=False) if t is not None]


def same_as_reference(
    subject: Any, walk: Walk, tensors: tuple[Any, ...], evaluate: Callable[..., Any], check: Any
) -> None:
    outputs = evaluate(walk, tensors)
    d_outputs = random_like(outputs)
    trace, expected = subject.reference(walk, tensors, d_outputs)
    check(outputs, trace[: len(outputs)])
    found = gradients(outputs, tensors, d_outputs)
    check(given_only(tensors, found), given_only(tensors, expected))


@every_bias
@every_walk
def test_fused_path_agrees_with_reference(subject, dtype, walk, bias, assert_close):
    tensors = subject.tensors(7, 5, 3, 63, dtype, bias)
    assert choose(subject.cell, walk, tensors) is Path.FUSED

    def evaluate(walk, tensors):
        return run(subject.cell, walk, tensors)

    same_as_reference(subject, walk, tensors, evaluate, assert_close)


@every_bias
@every_walk
def test_composite_path_agrees_with_reference(subject, walk, bias, assert_close):
    tensors = subject.tensors(7, 5, 3, 6, torch.float64, bias)

    def evaluate(walk, tensors):
        return subject.cell.composite(walk, *tensors)

    same_as_reference(subject, walk, tensors, evaluate, assert_close)


@st.composite
def walks_and_sizes(draw: st.DrawFn) -> tuple[Walk, tuple[int, int, int, int]]:
    T, B, I, H = (draw(st.integers(1, 9)) for _ in range(4))
    lengths = draw(st.none() | st.lists(st.integers(0, T), min_size=B, max_size=B))
    walk = Walk(None if lengths is None else torch.tensor(lengths), draw(st.booleans()))
    return walk, (T, B, I, H)


@given(case=walks_and_sizes(), bias=st.booleans())
@example(case=(Walk(), (1, 1, 1, 1)), bias=True)
@example(case=(Walk(torch.tensor([0, 0])), (2, 2, 1, 1)), bias=True)
@settings(max_examples=20, deadline=None)
def test_fused_path_agrees_with_reference_at_any_size(subject, assert_close, case, bias):
    walk, sizes = case
    tensors = subject.tensors(*sizes, torch.float64, bias)

    def evaluate(walk, tensors):
        return run(subject.cell, walk, tensors)

    same_as_reference(subject, walk, tensors, evaluate, assert_close)


@every_walk
def test_gradient_through_time_is_that_of_each_state_met(subject, walk, assert_close):
    tensors = subject.tensors(7, 5, 3, 6, torch.float64)
    x, weights = tensors[0], tensors[1 + subject.states :]
    states = tensors[1 : 1 + subject.states]
    active = torch.ones(7, 5, 1, dtype=torch.bool) if walk.lengths is None else walk.active(7)
    met: list[Any] = [None] * 7
    for t in range(6, -1, -1) if walk.reverse else range(7):
        step = Walk(active[t, :, 0].long())
        _, *states = subject.cell.composite(step, x[t : t + 1], *states, *weights)
        for state in states:
            state.retain_grad()
        met[t] = states
    d_outputs = random_like([torch.stack([states[0] for states in met]), *states])
    direct = sum((torch.where(active, d_outputs[0], 0)[t] * met[t][0]).sum() for t in range(7))
    final = sum((d * s).sum() for d, s in zip(d_outputs[1:], states, strict=True))
    (direct + final).backward()
    _, expected = subject.reference(walk, tensors, d_outputs)
    found = [torch.stack([states[k].grad for states in met]) for k in range(subject.states)]
    assert_close([torch.where(active, f, 0) for f in found], expected[len(tensors) :])


@every_bias
def test_reference_agrees_with_torch_in_both_directions(subject, dtype, bias, assert_close):
    if subject.layer is None:
        pytest.skip("torch has no such cell")
    T, B, I, H = 6, 4, 3, 8
    lengths = torch.tensor([6, 2, 1, 5])
    options = {"proj_size": subject.width(H)} if subject.projected else {}
    layer = subject.layer(I, H, bias=bias, bidirectional=True, dtype=dtype, **options)
    sides = [subject.tensors(T, B, I, H, dtype, bias, seed) for seed in (0, 1)]
    x = sides[0][0]
    initial = [torch.stack(pair) for pair in zip(*sides, strict=True)][1 : 1 + subject.states]
    for suffix, side in zip(("_l0", "_l0_reverse"), sides, strict=True):
        named = zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"), side[1 + subject.states :], strict=False)
        layer.load_state_dict(
            {name + suffix: values.detach() for name, values in named if values is not None},
            strict=False,
        )
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
    out, states = layer(packed, tuple(initial) if subject.states == 2 else initial[0])
    h = torch.nn.utils.rnn.pad_packed_sequence(out, total_length=T)[0]
    states = states if subject.states == 2 else (states,)
    ...
