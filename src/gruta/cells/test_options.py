"""What every cell does with the options of a walk and with layer norm, on every path."""

from typing import Any

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import assume, example, given, settings
from torch import Tensor
from torch.autograd import forward_ad, gradcheck, gradgradcheck

from gruta import kernels
from gruta.cells.layer_norm import LayerNorm
from gruta.cells.op import Path, Walk, choose, compiled, run

OPTIONS = ("lengths", "reverse", "reset", "restart", "dropout", "hold", "expected hold", "norm")
"""What a call may ask for; of the two ways to hold, the first where both are asked for."""

T, B, I, H = 6, 4, 3, 5
EVERYTHING = frozenset(OPTIONS) - {"expected hold"}
every_option = pytest.mark.parametrize("option", OPTIONS)
together = pytest.mark.parametrize(
    "options", [EVERYTHING, frozenset(OPTIONS) - {"hold"}], ids=["hold", "expected-hold"]
)


def make(subject: Any, options: Any, sizes: Any = (T, B, I, H), **more: Any) -> tuple[Walk, Any]:
    """A walk with these options and the tensors for it."""
    dtype = more.setdefault("dtype", torch.float64)
    walk = subject.walk(sizes[0], sizes[1], sizes[3], options, dtype)
    return walk, subject.tensors(
        *sizes, restart="restart" in options, norm="norm" in options, **more
    )


def random_like(tensors: Any) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(1)
    return tuple(torch.randn(t.shape, generator=generator, dtype=t.dtype) for t in tensors)


def gradients(outputs: Any, tensors: Any, d_outputs: Any) -> list[Tensor]:
    """∂L/∂(each of `tensors` that is there), zeros where it has no influence."""
    present = [t for t in tensors if t is not None]
    return list(
        torch.autograd.grad(outputs, present, d_outputs, retain_graph=True, materialize_grads=True)
    )


def compare_with_reference(subject: Any, walk: Walk, tensors: Any, assert_close: Any) -> None:
    """Outputs, final states and every gradient, by the path that serves and by the composite."""
    for evaluate in (run, lambda cell, walk, tensors: cell.composite(walk, *tensors)):
        outputs = evaluate(subject.cell, walk, tensors)
        d_outputs = random_like(outputs)
        trace, expected = subject.reference(walk, tensors, d_outputs)
        assert_close(outputs, trace[: len(outputs)])
        there = [e for t, e in zip(tensors, expected, strict=False) if t is not None]
        assert_close(gradients(outputs, tensors, d_outputs), there)


def is_steady(subject: Any, walk: Walk, tensors: Any, assert_close: Any) -> bool:
    """Whether the last two bits of the inputs move the reference by less than two ways may differ:
    a layer norm of a state that dropout has left all but empty divides by next to nothing.
    """
    generator, trials = torch.Generator().manual_seed(0), []
    d_outputs = random_like(run(subject.cell, walk, tensors))
    for bits in (0, 2**-50):
        nudged = [
            None
            if t is None
            else t.detach() * (1 + bits * torch.randn(t.shape, generator=generator).double().sign())
            for t in tensors
        ]
        trace, found = subject.reference(walk, nudged, d_outputs)
        trials.append([*trace[: len(d_outputs)], *found])
    try:
        assert_close(*trials)
    except AssertionError:
        return False
    return True


@every_option
def test_option_alone_agrees_with_reference(subject, option, dtype, assert_close):
    options = {option, "reset"} if option == "restart" else {option}
    walk, tensors = make(subject, options, (7, 5, 3, 21), dtype=dtype)
    compare_with_reference(subject, walk, tensors, assert_close)


@together
def test_options_together_agree_with_reference(subject, options, dtype, assert_close):
    walk, tensors = make(subject, options, (7, 5, 3, 21), dtype=dtype)
    compare_with_reference(subject, walk, tensors, assert_close)


@given(
    sizes=st.tuples(*[st.integers(1, 9)] * 4),
    options=st.sets(st.sampled_from(OPTIONS)),
    bias=st.booleans(),
)
@example(sizes=(1, 1, 1, 1), options=EVERYTHING, bias=False)
@settings(max_examples=25, deadline=None)
def test_any_options_agree_with_reference_at_any_size(subject, assert_close, sizes, options, bias):
    walk, tensors = make(subject, options, sizes, bias=bias)
    assume(is_steady(subject, walk, tensors, assert_close))
    compare_with_reference(subject, walk, tensors, assert_close)


@pytest.mark.parametrize("sizes", [(3, 1, 1, 65), (2, 33, 70, 9), (5, 9, 2, 130)], ids=str)
def test_norm_with_the_other_options_agrees_at_awkward_sizes(subject, sizes, dtype, assert_close):
    walk, tensors = make(subject, EVERYTHING, sizes, dtype=dtype)
    x, *own = tensors
    served = Path.KERNEL if kernels.available() else Path.COMPOSITE
    assert choose(subject.cell, x, [(walk, subject.cell.side(own))]) is served
    compare_with_reference(subject, walk, tensors, assert_close)


@pytest.mark.skipif(not kernels.available(), reason="torch's products have bits of their own")
@pytest.mark.parametrize("sizes", [(9, 8, 5, 130), (4, 1, 9, 520)], ids=["rows", "units"])
def test_norm_has_the_same_bits_with_any_threads_and_beside_any_rows(
    subject, sizes, dtype, monkeypatch
):
    walk, tensors = make(subject, EVERYTHING - {"lengths"}, sizes, dtype=dtype)

    def results(threads, walk, tensors):
        monkeypatch.setattr(compiled, "threads", lambda: threads)
        outputs = run(subject.cell, walk, tensors)
        return outputs, gradients(outputs, tensors, [torch.ones_like(t) for t in outputs])

    outputs, found = results(1, walk, tensors)
    shared, gradients_shared = results(2, walk, tensors)
    pairs = zip([*outputs, *found], [*shared, *gradients_shared], strict=True)
    assert all(torch.equal(*pair) for pair in pairs)
    b, S = sizes[1] - 1, subject.states
    own = walk._replace(
        reset=walk.reset[:, b:], dropout=walk.dropout[b:], hold=tuple(m[:, b:] for m in walk.hold)
    )
    (x, *initial), rest = tensors[: 1 + S], tensors[1 + S :]
    alone, dx = results(1, own, (x[:, b:], *(s[b:] for s in initial), *rest))
    assert torch.equal(alone[0], outputs[0][:, b:])
    assert torch.equal(dx[0], found[0][:, b:])


def test_strided_masks_are_read_as_they_stand(subject, assert_close):
    walk, tensors = make(subject, EVERYTHING)
    strided = Walk(
        walk.lengths.repeat_interleave(2)[::2],
        walk.reverse,
        walk.reset.T.contiguous().T,
        walk.dropout.T.contiguous().T,
        tuple(held.transpose(0, 2).contiguous().transpose(0, 2) for held in walk.hold),
    )
    outputs, found = (run(subject.cell, w, tensors) for w in (walk, strided))
    assert_close(found, outputs)
    d = random_like(outputs)
    assert_close(gradients(found, tensors, d), gradients(outputs, tensors, d))


# What each option means


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("restart", [False, True])
def test_reset_equals_starting_afresh(subject, reverse, restart, assert_close):
    tensors = subject.tensors(T, B, I, H, torch.float64, restart=restart, norm=True)
    S, at = subject.states, 2
    (x, *states), rest = tensors[: 1 + S], tensors[1 + S :]
    reset = torch.zeros(T, B, dtype=torch.bool)
    reset[at] = True
    h, *final = run(subject.cell, Walk(reverse=reverse, reset=reset), tensors)
    cut = at + 1 if reverse else at
    first, last = (x[cut:], x[:cut]) if reverse else (x[:cut], x[cut:])
    restarts = tuple(x.new_zeros(()) if r is None else r for r in rest[:S])
    fresh = [r.expand_as(s) for r, s in zip(restarts, states, strict=True)]
    before, *_ = run(subject.cell, Walk(reverse=reverse), (first, *states, *rest))
    after, *expected = run(subject.cell, Walk(reverse=reverse), (last, *fresh, *rest))
    parts = [after, before] if reverse else [before, after]
    whole = torch.cat(parts), *expected
    assert_close((h, *final), whole)
    d = random_like(whole)
    leaves = (x, *states, *(r for r in rest if r is not None))
    assert_close(gradients((h, *final), leaves, d), gradients(whole, leaves, d))


@pytest.mark.parametrize("reverse", [False, True])
def test_reset_at_a_rows_first_step_replaces_its_initial_state(subject, reverse):
    tensors = subject.tensors(T, 3, I, H, torch.float64)
    walk = Walk(torch.tensor([T, 4, 2]), reverse, torch.zeros(T, 3, dtype=torch.bool))
    walk.reset[[T - 1, 3] if reverse else [0, 0], [0, 1]] = True
    outputs = run(subject.cell, walk, tensors)
    for d in gradients(outputs, tensors[1 : 1 + subject.states], random_like(outputs)):
        assert not d[:2].any()
        assert d[2].all()


def test_reset_past_a_length_has_no_effect(subject, assert_close):
    walk, tensors = make(subject, {"reset", "restart"})
    lengths = torch.tensor([3, 0, T, 1])
    within = torch.arange(T)[:, None] < lengths
    everywhere = walk._replace(lengths=lengths, reset=walk.reset | ~within)
    nowhere = walk._replace(lengths=lengths, reset=walk.reset & within)
    found, expected = (run(subject.cell, w, tensors) for w in (everywhere, nowhere))
    assert_close(found, expected)
    d = random_like(expected)
    assert_close(gradients(found, tensors, d), gradients(expected, tensors, d))


@pytest.mark.parametrize("size", [1, 4])
def test_chunks_with_their_part_of_the_masks_equal_the_whole(subject, size, assert_close):
    walk, tensors = make(subject, EVERYTHING - {"lengths", "reverse"})
    states, rest = tensors[1 : 1 + subject.states], tensors[1 + subject.states :]
    parts = []
    for at in range(0, T, size):
        part = slice(at, at + size)
        held = tuple(mask[part] for mask in walk.hold)
        own = walk._replace(reset=walk.reset[part], hold=held)
        h, *states = run(subject.cell, own, (tensors[0][part], *states, *rest))
        parts.append(h)
    chunked, whole = (torch.cat(parts), *states), run(subject.cell, walk, tensors)
    assert_close(chunked, whole)
    d = random_like(whole)
    assert_close(gradients(chunked, tensors, d), gradients(whole, tensors, d))


@pytest.mark.parametrize("norm", [False, True])
def test_dropping_all_of_h_leaves_the_products_without_it(subject, norm, assert_close):
    tensors = list(subject.tensors(T, B, I, H, torch.float64, norm=norm))
    none = Walk(dropout=torch.zeros(B, subject.width(H), dtype=torch.float64))
    dropped = run(subject.cell, none, tensors)
    tensors[2 + 2 * subject.states] = torch.zeros_like(tensors[2 + 2 * subject.states])
    assert_close(dropped, run(subject.cell, Walk(), tensors))


def test_doubling_h_in_dropout_equals_doubling_its_weights(subject, assert_close):
    tensors = list(subject.tensors(T, B, I, H, torch.float64))
    twice = Walk(dropout=torch.full((B, subject.width(H)), 2.0, dtype=torch.float64))
    doubled = run(subject.cell, twice, tensors)
    tensors[2 + 2 * subject.states] = 2 * tensors[2 + 2 * subject.states]
    assert_close(doubled, run(subject.cell, Walk(), tensors))


def test_state_that_is_held_stays_and_passes_its_gradient(subject):
    tensors = subject.tensors(T, B, I, H, torch.float64)
    held = tuple(torch.ones(T, B, size, dtype=torch.bool) for size in subject.sizes(H))
    h, *final = run(subject.cell, Walk(hold=held), tensors)
    initial = tensors[1 : 1 + subject.states]
    assert torch.equal(h, initial[0].expand_as(h))
    d = random_like(final)
    found = gradients(final, tensors, d)
    for state, first, d_final, d_first in zip(final, initial, d, found[1:], strict=False):
        assert torch.equal(state, first)
        torch.testing.assert_close(d_first, d_final, rtol=0, atol=1e-15)
    assert not found[0].any()


def test_only_the_units_that_are_held_stay(subject, assert_close):
    walk, tensors = make(subject, {"hold"}, (1, B, I, H))
    initial = tensors[1 : 1 + subject.states]
    _, *free = run(subject.cell, Walk(), tensors)
    _, *found = run(subject.cell, walk, tensors)
    mixed = [
        torch.where(mask[0], old, new)
        for mask, old, new in zip(walk.hold, initial, free, strict=True)
    ]
    assert_close(found, mixed)
    _, *expected = run(subject.cell, Walk(hold=0.3), tensors)
    assert_close(expected, [0.3 * old + 0.7 * new for old, new in zip(initial, free, strict=True)])


def test_normalised_products_ignore_the_scale_of_their_weights(subject):
    tensors = list(subject.tensors(T, B, I, 21, torch.float64, norm=True))
    tensors = [t if t is None else t.detach() for t in tensors]
    h, *_ = run(subject.cell, Walk(), tensors)
    tensors[1] = tensors[1] + 1.0  # of a state of zeros, nothing could be scaled
    expected, *_ = run(subject.cell, Walk(), tensors)
    for k in (1 + 2 * subject.states, 2 + 2 * subject.states):
        tensors[k] = 1e3 * tensors[k]
    scaled, *_ = run(subject.cell, Walk(), tensors)
    torch.testing.assert_close(scaled, expected, rtol=0, atol=1e-3)
    assert (h - expected).abs().max() > 0.01


def test_layer_norm_is_torchs_gate_by_gate():
    gain, bias, d, p = torch.randn(4, 2, 3 * H, dtype=torch.float64)
    gain, bias, p = gain[0], bias[0], p.requires_grad_()
    ours = LayerNorm(gain.numpy(), bias.numpy(), H)
    theirs = torch.cat(
        [
            torch.nn.functional.layer_norm(gate, (H,), g, b, eps=1e-5)
            for gate, g, b in zip(p.split(H, -1), gain.split(H), bias.split(H), strict=True)
        ],
        dim=-1,
    )
    array = p.detach().numpy()
    torch.testing.assert_close(torch.from_numpy(ours(array)), theirs.detach())
    (expected,) = torch.autograd.grad(theirs, p, d)
    torch.testing.assert_close(torch.from_numpy(ours.back(d.numpy(), array)), expected)


# Transforms and other paths


@together
def test_derivatives_with_all_options_agree_with_differences(subject, options):
    walk, template = make(subject, options, (3, 3, 2, 3))

    def function(*present):
        given = iter(present)
        return run(subject.cell, walk, [t if t is None else next(given) for t in template])

    present = [t for t in template if t is not None]
    assert gradcheck(function, present, fast_mode=True)
    assert gradgradcheck(function, present, fast_mode=True)


class OfX:
    """h as a function of x alone, with all options."""

    def __init__(self, subject: Any, options: Any) -> None:
        self.cell = subject.cell
        self.walk, (self.x, *self.rest) = make(subject, options, (3, 2, 3, 4))

    def __call__(self, x: Tensor) -> Tensor:
        return run(self.cell, self.walk, (x, *self.rest))[0]


@together
def test_vmap_with_all_options_equals_the_loop(subject, options, assert_close):
    f = OfX(subject, options)
    xs = torch.stack([f.x, 2 * f.x, f.x - 1]).detach()

    def loss(x: Tensor) -> Tensor:
        return f(x).square().sum()

    mapped = torch.func.vmap(torch.func.grad(loss))(xs)
    looped = [torch.autograd.grad(loss(x.requires_grad_()), x)[0] for x in xs.unbind()]
    assert_close([mapped], [torch.stack(looped)])


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
@together
def test_forward_mode_with_all_options_agrees_with_differences(subject, options):
    f = OfX(subject, options)
    x, (tangent,) = f.x.detach(), random_like([f.x])
    _, by_jvp = torch.func.jvp(f, (x,), (tangent,))
    with forward_ad.dual_level():
        by_dual = forward_ad.unpack_dual(f(forward_ad.make_dual(x, tangent))).tangent
    with torch.no_grad():
        difference = (f(x + 1e-6 * tangent) - f(x - 1e-6 * tangent)) / 2e-6
    torch.testing.assert_close(by_jvp, difference, rtol=0, atol=1e-7)
    torch.testing.assert_close(by_dual, difference, rtol=0, atol=1e-7)


@pytest.mark.parametrize("norm", [False, True], ids=["no-norm", "norm"])
def test_compiled_in_one_piece_with_all_options_equals_eager(subject, norm, assert_close):
    if subject.name not in ("gru-reset-before", "lstm-projected", "rnn-relu"):
        pytest.skip("another cell with the same code is compiled")
    options = EVERYTHING if norm else EVERYTHING - {"norm"}
    walk, tensors = make(subject, options, (2, 2, 3, 4))

    def f(tensors):
        return run(subject.cell, walk, tensors)

    torch._dynamo.reset()
    compiled = torch.compile(f, backend="aot_eager", fullgraph=True)
    found, expected = compiled(tensors), f(tensors)
    assert_close(found, expected)
    d = random_like(expected)
    assert_close(gradients(found, tensors, d), gradients(expected, tensors, d))


@every_option
def test_torchs_own_op_is_not_asked_for_what_it_cannot_do(subject, option):
    walk, tensors = make(subject, {option})
    x, *own = (t if t is None else t.to("meta") for t in tensors)
    path = choose(subject.cell, x, [(walk, subject.cell.side(own))])
    # Without a reset, a restart state changes nothing.
    can = option in ("restart", "reverse") and subject.cell.native is not None
    assert path is (Path.NATIVE if can else Path.COMPOSITE)


@together
def test_autocast_with_all_options_returns_the_dtype_of_the_plain_call(
    subject, options, assert_close
):
    walk, tensors = make(subject, options, dtype=torch.float32)
    expected = run(subject.cell, walk, tensors)
    with torch.autocast("cpu", torch.bfloat16):
        outputs = run(subject.cell, walk, tensors)
    assert {t.dtype for t in outputs} == {subject.autocast}
    for found, exact in zip(outputs, expected, strict=True):
        torch.testing.assert_close(found.float(), exact, rtol=0, atol=0.15)
    outputs[0].float().sum().backward()
    there = [t for t in tensors if t is not None]
    assert all(t.grad.dtype is torch.float32 and t.grad.any() for t in there)
