"""What every cell meets, on every path; what only one of them does is tested in its own folder."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import example, given, settings
from torch import Tensor
from torch.autograd import forward_ad, gradcheck, gradgradcheck

from gruta import kernels
from gruta.cells.gru.op import RESET_AFTER
from gruta.cells.op import Cell, Path, Walk, choose, layer, run

FAST = Path.KERNEL if kernels.available() else Path.COMPOSITE


def path_of(cell: Cell, walk: Walk, tensors: Sequence[Any]) -> Path:
    """That of a call with x and the tensors of one direction."""
    x, *own = tensors
    return choose(cell, walk, x, [cell.side(tuple(own))])


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
    present = [t for t in tensors if t is not None]
    found = iter(torch.autograd.grad(outputs, present, d_outputs, retain_graph=True))
    return [None if t is None else next(found) for t in tensors]


def given_only(tensors: Sequence[Any], values: Sequence[Any]) -> list[Any]:
    """The values that belong to a tensor: the reference differentiates left-out biases too."""
    return [v for t, v in zip(tensors, values, strict=False) if t is not None]


def compare_with_reference(
    subject: Any, walk: Walk, tensors: Sequence[Any], outputs: Sequence[Tensor], assert_close: Any
) -> None:
    """Outputs, final states, and the gradient of every tensor from random upstream gradients."""
    d_outputs = random_like(outputs)
    trace, expected = subject.reference(walk, tensors, d_outputs)
    assert_close(outputs, trace[: len(outputs)])
    found = gradients(outputs, tensors, d_outputs)
    assert_close(given_only(tensors, found), given_only(tensors, expected))


@every_bias
@every_walk
def test_fast_path_agrees_with_reference(subject, dtype, walk, bias, assert_close):
    tensors = subject.tensors(7, 5, 3, 63, dtype, bias)
    assert path_of(subject.cell, walk, tensors) is FAST
    outputs = run(subject.cell, walk, tensors)
    compare_with_reference(subject, walk, tensors, outputs, assert_close)


@every_bias
@every_walk
def test_composite_path_agrees_with_reference(subject, walk, bias, assert_close):
    tensors = subject.tensors(7, 5, 3, 6, torch.float64, bias)
    outputs = subject.cell.composite(walk, *tensors)
    compare_with_reference(subject, walk, tensors, outputs, assert_close)


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
def test_fast_path_agrees_with_reference_at_any_size(subject, assert_close, case, bias):
    walk, sizes = case
    tensors = subject.tensors(*sizes, torch.float64, bias)
    outputs = run(subject.cell, walk, tensors)
    compare_with_reference(subject, walk, tensors, outputs, assert_close)


@every_walk
def test_gradient_through_time_is_that_of_each_state_met(subject, walk, assert_close):
    tensors = subject.tensors(7, 5, 3, 6, torch.float64)
    x, rest = tensors[0], tensors[1 + subject.states :]
    states = tensors[1 : 1 + subject.states]
    active = torch.ones(7, 5, 1, dtype=torch.bool) if walk.lengths is None else walk.active(7)
    met: list[Any] = [None] * 7
    for t in range(6, -1, -1) if walk.reverse else range(7):
        step = Walk(active[t, :, 0].long())
        _, *states = subject.cell.composite(step, x[t : t + 1], *states, *rest)
        states[0].retain_grad()
        met[t] = states
    d_outputs = random_like([torch.stack([states[0] for states in met]), *states])
    direct = sum((torch.where(active, d_outputs[0], 0)[t] * met[t][0]).sum() for t in range(7))
    final = sum((d * s).sum() for d, s in zip(d_outputs[1:], states, strict=True))
    (direct + final).backward()
    _, expected = subject.reference(walk, tensors, d_outputs)
    found = torch.where(active, torch.stack([states[0].grad for states in met]), 0)
    assert_close([found], [expected.h])
    assert not expected[-1][~active[..., 0].numpy()].any()


@every_bias
def test_reference_agrees_with_torch_in_both_directions(subject, dtype, bias, assert_close):
    if subject.layer is None:
        pytest.skip("torch has no such cell")
    T, B, I, H, lengths = 6, 4, 3, 8, torch.tensor([6, 2, 1, 5])
    options = {"proj_size": subject.width(H)} if subject.projected else {}
    layer = subject.layer(I, H, bias=bias, bidirectional=True, dtype=dtype, **options)
    x, *ahead = subject.tensors(T, B, I, H, dtype)[: 1 + subject.states]
    _, *back = subject.tensors(T, B, I, H, dtype, seed=1)[: 1 + subject.states]
    initial = tuple(torch.stack(pair) for pair in zip(ahead, back, strict=True))
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
    out, final = layer(packed, initial if subject.states == 2 else initial[0])
    h, _ = torch.nn.utils.rnn.pad_packed_sequence(out, total_length=T)
    outputs = [h, *(final if subject.states == 2 else [final])]
    d_outputs = random_like(outputs)
    dx = torch.zeros_like(x)
    for side, (states, weights) in enumerate(zip((ahead, back), layer.all_weights, strict=True)):
        if not bias:
            weights = [*weights[:2], None, None, *weights[2:]]
        if subject.states == 2 and not subject.projected:
            weights = [*weights, None]
        tensors = (x, *states, *(None for _ in states), *weights, *(None,) * 4)
        d_side = (d_outputs[0].chunk(2, dim=-1)[side], *(d[side] for d in d_outputs[1:]))
        trace, expected = subject.reference(Walk(lengths, side == 1), tensors, d_side)
        assert_close([outputs[0].chunk(2, dim=-1)[side]], trace[:1])
        assert_close([final[side] for final in outputs[1:]], trace[1 : 1 + subject.states])
        found = gradients(outputs, tensors, d_outputs)
        assert_close(given_only(tensors, found)[1:], given_only(tensors, expected)[1:])
        dx += torch.as_tensor(expected.x)
    assert_close(found[:1], [dx])


@pytest.mark.parametrize("reverse", [False, True])
def test_first_and_second_derivatives_agree_with_differences(subject, reverse):
    template = subject.tensors(3, 3, 2, 2, torch.float64)
    present = [t for t in template if t is not None]
    walk = Walk(torch.tensor([2, 0, 3]), reverse)

    def function(*present):
        given = iter(present)
        tensors = [t if t is None else next(given) for t in template]
        assert path_of(subject.cell, walk, tensors) is FAST
        return run(subject.cell, walk, tensors)

    assert gradcheck(function, present)
    assert gradgradcheck(function, present, fast_mode=True)


def test_second_derivative_of_an_input_computed_from_a_weight(subject, assert_close):
    tensors = subject.tensors(3, 2, 3, 4, torch.float64)
    w = tensors[1 + 2 * subject.states]

    def curvature(evaluate):
        outputs = evaluate((torch.tanh(tensors[0] * w.sum()), *tensors[1:]))
        (dw,) = torch.autograd.grad(outputs, w, random_like(outputs), create_graph=True)
        return torch.autograd.grad(dw.square().sum(), w)

    fused = curvature(lambda tensors: run(subject.cell, Walk(), tensors))
    assert_close(fused, curvature(lambda tensors: subject.cell.composite(Walk(), *tensors)))


def test_gradient_of_the_final_state_alone(subject, assert_close):
    tensors = subject.tensors(4, 2, 3, 5, torch.float64)
    _, h_n, *_ = run(subject.cell, Walk(), tensors)
    _, expected, *_ = subject.cell.composite(Walk(), *tensors)
    d = random_like([h_n])
    assert_close(gradients([h_n], tensors, d), gradients([expected], tensors, d))


class OfX:
    """h as a function of x alone, and the path that its last call took."""

    def __init__(self, subject: Any) -> None:
        self.cell = subject.cell
        self.x, *self.rest = subject.tensors(4, 2, 3, 5, torch.float64)

    def __call__(self, x: Tensor) -> Tensor:
        self.path = path_of(self.cell, Walk(), (x, *self.rest))
        return run(self.cell, Walk(), (x, *self.rest))[0]


def test_vmap_equals_the_loop(subject, assert_close):
    f = OfX(subject)
    xs = torch.stack([f.x, 2 * f.x, f.x - 1])
    mapped = torch.func.vmap(f)(xs)
    assert f.path is Path.COMPOSITE
    assert_close([mapped], [torch.stack([f(x) for x in xs])])
    assert f.path is FAST


def test_gradients_of_each_sample_by_vmap_equal_the_loop(subject, assert_close):
    f = OfX(subject)
    xs = torch.stack([f.x, 2 * f.x, f.x - 1]).detach()

    def loss(x):
        return f(x).square().sum()

    mapped = torch.func.vmap(torch.func.grad(loss))(xs)
    assert f.path is Path.COMPOSITE
    looped = [torch.autograd.grad(loss(x.requires_grad_()), x)[0] for x in xs.unbind()]
    assert f.path is FAST
    assert_close([mapped], [torch.stack(looped)])


def test_vmap_over_the_backward_pass_alone_equals_the_loop(subject, assert_close):
    f = OfX(subject)
    h = f(f.x)
    assert f.path is FAST
    ds = torch.stack([*random_like([h]), *random_like([h], seed=2)])
    looped = torch.stack([torch.autograd.grad(h, f.x, d, retain_graph=True)[0] for d in ds])
    batched = torch.autograd.grad(h, f.x, ds, is_grads_batched=True, retain_graph=True)
    mapped = torch.func.vmap(lambda d: torch.autograd.grad(h, f.x, d, retain_graph=True))(ds)
    assert_close([*batched, *mapped], [looped, looped])
    assert not batched[0].requires_grad


# torch compiles its own rules for some operations the first time that a dual number meets them.
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
def test_forward_mode_agrees_with_differences(subject):
    f = OfX(subject)
    x, (tangent,) = f.x.detach(), random_like([f.x])
    _, by_jvp = torch.func.jvp(f, (x,), (tangent,))
    assert f.path is Path.COMPOSITE
    with forward_ad.dual_level():
        by_dual = forward_ad.unpack_dual(f(forward_ad.make_dual(x, tangent))).tangent
        assert f.path is Path.COMPOSITE
    with torch.no_grad():
        difference = (f(x + 1e-6 * tangent) - f(x - 1e-6 * tangent)) / 2e-6
    assert f.path is FAST
    torch.testing.assert_close(by_jvp, difference, rtol=0, atol=1e-8)
    torch.testing.assert_close(by_dual, difference, rtol=0, atol=1e-8)


@pytest.mark.parametrize("size", [1, 3])
def test_chunks_that_pass_on_the_state_equal_the_whole(subject, size, assert_close):
    tensors = subject.tensors(7, 3, 2, 5, torch.float64)
    states, rest = tensors[1 : 1 + subject.states], tensors[1 + subject.states :]
    parts = []
    for x in tensors[0].split(size):
        h, *states = run(subject.cell, Walk(), (x, *states, *rest))
        parts.append(h)
    chunked, whole = (torch.cat(parts), *states), run(subject.cell, Walk(), tensors)
    assert_close(chunked, whole)
    d = random_like(whole)
    assert_close(gradients(chunked, tensors, d), gradients(whole, tensors, d))


@pytest.mark.parametrize("reverse", [False, True])
def test_padded_rows_equal_each_row_alone(subject, reverse, assert_close):
    tensors = subject.tensors(7, 5, 2, 4, torch.float64)
    (x, *states), rest = tensors[: 1 + subject.states], tensors[1 + subject.states :]
    rows = []
    for b, length in enumerate(LENGTHS):
        own = [s[b : b + 1] for s in states]
        if length:
            alone = (x[:length, b : b + 1], *own, *rest)
            h, *own = run(subject.cell, Walk(reverse=reverse), alone)
        else:
            h = x.new_zeros(0, 1, own[0].shape[1])
        rows.append((torch.nn.functional.pad(h, (0, 0, 0, 0, 0, 7 - length)), *own))
    hs, *finals = zip(*rows, strict=True)
    alone = (torch.cat(hs, dim=1), *(torch.cat(f) for f in finals))
    padded = run(subject.cell, Walk(torch.tensor(LENGTHS), reverse), tensors)
    assert_close(padded, alone)
    d = random_like(padded)
    assert_close(gradients(padded, tensors, d), gradients(alone, tensors, d))


def test_strided_inputs_and_gradients_are_read_as_they_stand(subject, assert_close):
    def strided(t):
        return t if t is None else t.repeat_interleave(2, dim=-1)[..., ::2]

    tensors = subject.tensors(4, 3, 2, 5, torch.float64)
    found = run(subject.cell, Walk(), tuple(strided(t) for t in tensors))
    expected = run(subject.cell, Walk(), tensors)
    assert_close(found, expected)
    expanded = [torch.ones((), dtype=torch.float64).expand_as(t) for t in expected]
    for d in ([strided(t) for t in random_like(expected)], expanded):
        plain = gradients(expected, tensors, [t.contiguous() for t in d])
        assert_close(gradients(found, tensors, d), plain)


def test_torchs_own_op_stands_in_on_other_devices(subject, assert_close, monkeypatch):
    cell, tensors = subject.cell, subject.tensors(4, 2, 3, 6, torch.float64)
    elsewhere = tuple(t if t is None else t.to("meta") for t in tensors)
    path = Path.NATIVE if cell.native else Path.COMPOSITE
    assert path_of(cell, Walk(), elsewhere) is path
    assert path_of(cell, Walk(reverse=True), elsewhere) is path
    assert path_of(cell, Walk(torch.tensor([4, 1])), elsewhere) is Path.COMPOSITE
    expected = cell.composite(Walk(), *tensors)
    assert [t.shape for t in run(cell, Walk(), elsewhere)] == [t.shape for t in expected]
    for biased, reverse in product((True, False), repeat=2) if cell.native else ():
        tensors, walk = subject.tensors(4, 2, 3, 6, torch.float64, biased), Walk(reverse=reverse)
        monkeypatch.setattr(layer, "choose", lambda *call: Path.NATIVE)
        native, expected = run(cell, walk, tensors), cell.composite(walk, *tensors)
        assert_close(native, expected)
        d = random_like(expected)
        assert_close(gradients(native, tensors, d), gradients(expected, tensors, d))


def test_other_dtypes_and_tensor_subclasses_take_the_composite_path(subject):
    class Own(Tensor):
        pass

    x, *rest = subject.tensors(2, 2, 2, 2, torch.float32)
    assert path_of(subject.cell, Walk(), (x.bfloat16(), *rest)) is Path.COMPOSITE
    assert path_of(subject.cell, Walk(), (x.detach().as_subclass(Own), *rest)) is Path.COMPOSITE
    assert path_of(subject.cell, Walk(), (torch.nn.Parameter(x), *rest)) is FAST


@pytest.mark.parametrize("lengths", [None, torch.tensor([3, 0])], ids=["whole", "lengths"])
def test_autocast_returns_the_dtype_that_torch_returns(subject, lengths, assert_close):
    walk, tensors = Walk(lengths), subject.tensors(3, 2, 4, 5, torch.float32)
    expected = run(subject.cell, walk, tensors)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = Path.ROUNDED if kernels.available() else Path.COMPOSITE
        assert path_of(subject.cell, walk, tensors) is rounded
        outputs = run(subject.cell, walk, tensors)
        if subject.name in ("gru", "rnn-tanh", "rnn-relu"):
            assert subject.layer(4, 5)(tensors[0])[0].dtype is subject.autocast
    assert {t.dtype for t in outputs} == {subject.autocast}
    assert_close([t.bfloat16() for t in outputs], [t.bfloat16() for t in expected])


def test_compiled_in_one_piece_equals_eager(assert_close):
    def f(*tensors):
        return run(RESET_AFTER, Walk(), (*tensors, *(None,) * 6))

    x, h_0, w_ih, w_hh = (torch.randn(s) for s in [(2, 3, 4), (3, 5), (15, 4), (15, 5)])
    compiled = torch.compile(f, backend="aot_eager", fullgraph=True)
    assert_close(compiled(x, h_0, None, w_ih, w_hh), f(x, h_0, None, w_ih, w_hh))


@pytest.mark.parametrize("lengths", [[1], [1, 4], [-1, 2]])
def test_reference_refuses_lengths_that_do_not_fit(subject, lengths):
    tensors = subject.tensors(3, 2, 1, 1, torch.float64)
    with pytest.raises(ValueError, match="lengths: expected 2 integers from 0 to T=3"):
        subject.reference(Walk(torch.tensor(lengths)), tensors, ())
