"""Under torch's transforms the layers give numbers, and the right ones."""

import pytest
import torch
from torch.autograd import forward_ad
from torch.func import functional_call, grad, jvp, stack_module_state, vmap

import gruta.nn


@pytest.fixture
def twins(kind):
    return kind.twins(3, 6, num_layers=2, bidirectional=True, dtype=torch.float64)


def test_vmap_over_inputs_equals_a_loop(twins, assert_close):
    layer, _ = twins
    xs = torch.randn(3, 5, 2, 3).double()
    found = vmap(lambda x: layer(x)[0])(xs)
    assert_close(found, torch.stack([layer(x)[0] for x in xs]))


@pytest.mark.parametrize("context", [torch.enable_grad, torch.no_grad])
def test_stacked_models_run_as_one(kind, context, assert_close):
    models = [kind.make(3, 6, num_layers=2, bidirectional=True).double() for _ in range(3)]
    parameters, buffers = stack_module_state(models)
    xs = torch.randn(3, 5, 2, 3).double()

    def run(parameters, buffers, x):
        return functional_call(models[0], (parameters, buffers), (x,))[0]

    with context():
        found = vmap(run)(parameters, buffers, xs)
        same_input = vmap(run, in_dims=(0, 0, None))(parameters, buffers, xs[0])
        assert_close(found, torch.stack([m(x)[0] for m, x in zip(models, xs, strict=True)]))
        assert_close(same_input, torch.stack([model(xs[0])[0] for model in models]))


def test_per_sample_gradients_equal_a_loop(twins, assert_close):
    layer, theirs = twins
    xs = torch.randn(3, 5, 3).double()

    def loss(parameters, x):
        return functional_call(layer, parameters, (x,))[0].square().sum()

    found = vmap(grad(loss), in_dims=(None, 0))(dict(layer.named_parameters()), xs)
    for k, x in enumerate(xs):
        expected = torch.autograd.grad(theirs(x)[0].square().sum(), list(theirs.parameters()))
        assert_close([d[k] for d in found.values()], expected)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # torch's own call
def test_forward_mode_agrees_with_torchs_reverse_mode(twins, assert_close):
    ours, theirs = twins
    x, v = torch.randn(2, 5, 2, 3).double()
    weights = dict(ours.named_parameters())
    dw = {name: torch.randn_like(w) for name, w in weights.items()}

    _, tangent = jvp(lambda x, w: functional_call(ours, w, (x,))[0], (x, weights), (v, dw))
    with forward_ad.dual_level():
        dual = {name: forward_ad.make_dual(w, dw[name]) for name, w in weights.items()}
        out = functional_call(ours, dual, (forward_ad.make_dual(x, v),))[0]
        dual_tangent = forward_ad.unpack_dual(out).tangent
    assert_close(dual_tangent, tangent)

    u = torch.randn_like(tangent)
    x.requires_grad_()
    dx, *d_weights = torch.autograd.grad(theirs(x)[0], [x, *theirs.parameters()], u)
    directions = zip([dx, *d_weights], [v, *dw.values()], strict=True)
    assert_close((u * tangent).sum(), sum((d * along).sum() for d, along in directions))


def test_double_backward_agrees_with_torch(twins, assert_close):
    penalties = []
    x = torch.randn(4, 2, 3).double().requires_grad_()
    for layer in twins:
        (dx,) = torch.autograd.grad(layer(x)[0].pow(3).sum(), x, create_graph=True)
        penalties.append(torch.autograd.grad(dx.square().sum(), [x, *layer.parameters()]))
    assert_close(*penalties)


def test_batched_gradients_equal_a_loop(twins, assert_close):
    layer, _ = twins
    x = torch.randn(4, 2, 3).double().requires_grad_()
    out = layer(x)[0]
    upstream = torch.randn(3, *out.shape).double()
    (found,) = torch.autograd.grad(out, x, upstream, is_grads_batched=True, retain_graph=True)
    loop = [torch.autograd.grad(out, x, u, retain_graph=True)[0] for u in upstream]
    assert_close(found, torch.stack(loop))


@pytest.mark.parametrize(
    ("name", "dtype"), [("RNN", torch.bfloat16), ("LSTM", torch.bfloat16), ("GRU", torch.float32)]
)
@pytest.mark.parametrize("lengths", [None, [5, 0]], ids=["whole", "lengths"])
def test_autocast_follows_torchs_rules(name, dtype, lengths):
    layer = getattr(gruta.nn, name)(3, 6, num_layers=2, bidirectional=True)
    x = torch.randn(5, 2, 3)
    expected, _ = layer(x, lengths=lengths)
    with torch.autocast("cpu", torch.bfloat16):
        out, state = layer(x, lengths=lengths)
        if name != "LSTM":  # torch's own cannot run it on every CPU
            theirs, their_state = getattr(torch.nn, name)(3, 6)(x)
            assert (theirs.dtype, their_state.dtype) == (dtype, dtype)
    states = state if name == "LSTM" else (state,)
    assert {out.dtype, *(s.dtype for s in states)} == {dtype}
    torch.testing.assert_close(out.float(), expected, rtol=0, atol=3e-2)
    out.float().sum().backward()
    assert all(p.grad.dtype == torch.float32 and p.grad.any() for p in layer.parameters())
