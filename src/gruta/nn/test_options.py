"""Layer norm, residual and resets through a layer, and all options at once."""

import copy
import io
import math
import re
from functools import partial

import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, vmap
from torch.nn.utils.rnn import pack_padded_sequence

import gruta.nn
from gruta import kernels
from gruta.cells.op import Walk

NORMS = ("ln_ih_gain", "ln_ih_bias", "ln_hh_gain", "ln_hh_bias")
ALL = {
    "recurrent_dropout": 0.25,
    "zoneout": 0.2,
    "layer_norm": True,
    "residual": True,
    "learn_h0": True,
    "num_layers": 2,
    "bidirectional": True,
}


def randomised(layer):
    """The layer with every parameter drawn anew, so that none is at a value without effect."""
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.normal_(std=0.5)
    return layer


def some_resets(T, B):
    """`[T, B]`: none, the first step, one in the middle, several."""
    mask = torch.zeros(T, B, dtype=torch.bool)
    mask[0, 1] = mask[2, 2] = mask[1, 3] = mask[3, 3] = mask[4, 3] = True
    return mask


# Layer norm and residual


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
def test_layer_norm_hands_each_parameter_to_the_cell(kind, bias, assert_close):
    layer = kind.make(3, 6, bias=bias, layer_norm=True, bidirectional=True, dtype=torch.float64)
    x, initial = torch.randn(5, 4, 3).double(), kind.initial(layer, 4, torch.float64)
    randomised(layer)
    own = dict(layer.named_parameters())
    expected = []
    for direction, suffix in enumerate(("", "_reverse")):
        weights = [own.get(f"{name}_l0{suffix}") for name in (*layer.weight_names, *NORMS)]
        states = [s[direction] for s in initial]
        nothing = (None,) * len(states)
        walk = Walk(reverse=bool(direction))
        expected.append(layer.cell.composite(walk, x, *states, *nothing, *weights)[0])
    found, _ = layer(x, kind.given(initial))
    assert_close(found, torch.cat(expected, dim=-1))


@pytest.mark.parametrize("init", ["torch", "orthogonal", "chrono"])
def test_layer_norm_starts_at_gain_one_and_bias_zero(kind, init):
    if init == "chrono" and kind.id.startswith("rnn"):
        pytest.skip("the RNN has no gate to set")
    lag = {"longest_lag": 10} if init == "chrono" else {}
    layer = kind.make(3, 6, num_layers=2, layer_norm=True, init=init, **lag)
    named = dict(layer.named_parameters())
    for name in NORMS:
        for k in (0, 1):
            parameter = named[f"{name}_l{k}"]
            assert parameter.shape == (layer.gates * 6,)
            assert (parameter == float("gain" in name)).all()


@pytest.mark.parametrize("both", [False, True], ids=["one-way", "both-ways"])
def test_residual_adds_a_layers_input_from_the_second_layer_on(kind, both, assert_close):
    options = {"bidirectional": both, "dtype": torch.float64}
    stack = kind.make(3, 6, num_layers=3, residual=True, **options)
    width = stack.weight_ih_l1.shape[1]
    x = expected = torch.randn(5, 4, 3).double()
    for k in range(3):
        alone = kind.make(width if k else 3, 6, **options)
        weights = {
            name.replace(f"_l{k}", "_l0"): value
            for name, value in stack.state_dict().items()
            if f"_l{k}" in name
        }
        alone.load_state_dict(weights)
        h = alone(expected)[0]
        expected = h + expected if k else h
    assert_close(stack(x)[0], expected)


def test_residual_adds_the_input_as_dropout_left_it(kind, assert_close):
    options = {"num_layers": 2, "dropout": 1.0, "dtype": torch.float64}
    residual, plain = kind.make(3, 6, residual=True, **options), kind.make(3, 6, **options)
    plain.load_state_dict(residual.state_dict())
    x = torch.randn(5, 4, 3).double()
    assert_close(residual(x)[0], plain(x)[0])


def test_residual_keeps_zeros_past_a_length(kind):
    layer = kind.make(3, 6, num_layers=3, residual=True, bidirectional=True)
    out, _ = layer(torch.randn(5, 3, 3), lengths=[5, 0, 2])
    assert not out[:, 1].any()
    assert not out[2:, 2].any()
    assert out[:2, 2].any(-1).all()


# Resets


def test_reset_cuts_a_sequence_in_two(kind, assert_close):
    layer = kind.make(3, 6, num_layers=2, dtype=torch.float64)
    x, initial = torch.randn(5, 4, 3).double(), kind.initial(layer, 4, torch.float64)
    mask = torch.zeros(5, 4, dtype=torch.bool)
    mask[2] = True
    out, state = layer(x, kind.given(initial), reset_mask=mask)
    first, _ = layer(x[:2], kind.given(initial))
    last, final = layer(x[2:])
    assert_close([out, *kind.tensors(state)], [torch.cat([first, last]), *kind.tensors(final)])


def test_reset_acts_before_its_step_in_the_backward_direction_too(kind, assert_close):
    layer = kind.make(3, 6, bidirectional=True, dtype=torch.float64)
    x, mask = torch.randn(5, 1, 3).double(), torch.zeros(5, 1, dtype=torch.bool)
    mask[2] = True
    ahead, back = layer(x, reset_mask=mask)[0].chunk(2, dim=-1)
    parts = [layer(x[:2])[0], layer(x[2:])[0]], [layer(x[:3])[0], layer(x[3:])[0]]
    assert_close(ahead, torch.cat(parts[0]).chunk(2, dim=-1)[0])
    assert_close(back, torch.cat(parts[1]).chunk(2, dim=-1)[1])


def test_reset_mask_is_laid_out_as_the_input(kind, assert_close):
    layer, batch_first = kind.make(3, 6), kind.make(3, 6, batch_first=True)
    batch_first.load_state_dict(layer.state_dict())
    x, mask = torch.randn(5, 4, 3), some_resets(5, 4)
    expected, _ = layer(x, reset_mask=mask)
    assert not torch.equal(expected, layer(x)[0])
    assert_close(batch_first(x.transpose(0, 1), reset_mask=mask.T)[0], expected.transpose(0, 1))
    for b in range(4):
        assert_close(layer(x[:, b], reset_mask=mask[:, b])[0], expected[:, b])


@pytest.mark.parametrize("lengths", [None, [5, 3, 5, 4]], ids=["whole", "lengths"])
def test_reset_restores_the_learned_state_also_where_another_one_was_given(
    kind, lengths, assert_close
):
    layer = kind.make(3, 6, num_layers=2, bidirectional=True, learn_h0=True, dtype=torch.float64)
    randomised(layer)
    x, mask = torch.randn(5, 4, 3).double(), some_resets(5, 4)
    last = [length - 1 for length in lengths or [5] * 4]
    mask[0] = mask[last, range(4)] = True  # the first step of every row, in either direction
    zeros = [torch.zeros_like(s) for s in kind.initial(layer, 4, torch.float64)]
    given = kind.results(layer, x, zeros, lengths=lengths, reset_mask=mask)
    for k in range(kind.states):
        assert not given.pop(f"d_initial_{k}").any()
    learned = kind.results(layer, x, lengths=lengths, reset_mask=mask)
    assert_close(given, learned)
    for name in layer.state_names:
        assert learned[f"d_{name}"].all()


@pytest.mark.parametrize(
    ("batch_first", "mask", "message"),
    [
        (False, torch.zeros(4, 6).bool(), "[T, B] = [6, 4] as the input's, got shape [4, 6] of"),
        (True, torch.zeros(4, 6).bool(), "[B, T] = [6, 4] as the input's, got shape [4, 6] of"),
        (False, torch.zeros(6).bool(), "got shape [6] of torch.bool"),
        (False, torch.zeros(6, 4), "got shape [6, 4] of torch.float32"),
        (False, torch.zeros(6, 4).long(), "got shape [6, 4] of torch.int64"),
    ],
)
def test_wrong_reset_mask_is_refused(batch_first, mask, message):
    layer = gruta.nn.GRU(3, 5, batch_first=batch_first)
    with pytest.raises(
        ValueError, match="reset_mask: expected bool of shape .*" + re.escape(message)
    ):
        layer(torch.zeros(6, 4, 3), reset_mask=mask)


def test_reset_mask_of_an_unbatched_or_packed_input_that_does_not_fit_is_refused():
    layer = gruta.nn.GRU(3, 5)
    with pytest.raises(ValueError, match=re.escape("[T] = [6] as the input's, got shape [6, 1]")):
        layer(torch.zeros(6, 3), reset_mask=torch.zeros(6, 1).bool())
    packed = pack_padded_sequence(torch.zeros(6, 2, 3), [6, 2])
    with pytest.raises(ValueError, match=r"reset_mask: a PackedSequence .* pad the batch"):
        layer(packed, reset_mask=torch.zeros(6, 2).bool())


# The layer as a module


@pytest.mark.parametrize("name", ["recurrent_dropout", "zoneout"])
@pytest.mark.parametrize(
    ("value", "error"),
    [
        (1.0, ValueError),
        (-0.1, ValueError),
        (math.nan, ValueError),
        (True, ValueError),
        ("0.5", ValueError),
        (None, TypeError),
        ([0.5], TypeError),
    ],
)
def test_probability_that_is_none_is_refused(name, value, error):
    with pytest.raises(
        error, match=f"{name} should be a number from 0 to below 1, got {re.escape(repr(value))}"
    ):
        gruta.nn.LSTM(3, 5, **{name: value})


@pytest.mark.parametrize("name", ["layer_norm", "residual"])
def test_switch_that_is_no_bool_is_refused(name):
    with pytest.raises(TypeError, match=f"{name} should be of type bool, got: int"):
        gruta.nn.GRU(3, 5, num_layers=2, **{name: 1})


def test_residual_of_a_single_layer_is_refused(kind):
    with pytest.raises(ValueError, match=r"residual=True .* at least 2, got 1"):
        kind.make(3, 6, residual=True)


def test_options_are_shown_where_they_are_set(kind):
    shown = kind.make(3, 6, **ALL).extra_repr()
    for name, value in ALL.items():
        assert f"{name}={value!r}" in shown
        assert name not in kind.make(3, 6).extra_repr()


def test_state_dict_with_layer_norm_goes_round(kind, assert_close):
    layer, other = randomised(kind.make(3, 6, **ALL)).eval(), kind.make(3, 6, **ALL).eval()
    x = torch.randn(5, 4, 3)
    assert not torch.equal(layer(x)[0], other(x)[0])
    other.load_state_dict(layer.state_dict(), strict=True)
    assert torch.equal(layer(x)[0], other(x)[0])
    file = io.BytesIO()
    torch.save(layer, file)
    file.seek(0)
    for twin in (copy.deepcopy(layer), torch.load(file, weights_only=False)):
        assert repr(twin) == repr(layer)
        assert torch.equal(twin(x)[0], layer(x)[0])


def test_weights_that_torch_has_keep_their_names_and_places(kind):
    sizes = {"num_layers": 2, "bidirectional": True}
    layer, theirs = kind.make(3, 6, **ALL), kind.theirs(3, 6, **kind.arguments, **sizes)
    missing = layer.load_state_dict(theirs.state_dict(), strict=False)
    assert not missing.unexpected_keys
    extra = [f"{name}_l{k}{s}" for k in (0, 1) for s in ("", "_reverse") for name in NORMS]
    assert missing.missing_keys == [*extra, *layer.state_names]
    assert list(layer.state_dict()) == [*theirs.state_dict(), *extra, *layer.state_names]
    for mine, torchs in zip(layer.all_weights, theirs.all_weights, strict=True):
        assert all(torch.equal(m, t) for m, t in zip(mine, torchs, strict=True))


def test_every_parameter_is_trained(kind):
    layer = randomised(kind.make(3, 6, **ALL))
    out, _ = layer(torch.randn(5, 40, 3), reset_mask=torch.rand(5, 40) < 0.3)
    out.square().sum().backward()
    for name, parameter in layer.named_parameters():
        assert parameter.grad.any(), name


# Transforms


def test_per_sample_gradients_with_all_options_equal_a_loop(kind, assert_close):
    layer = randomised(kind.make(3, 6, **ALL, dtype=torch.float64)).eval()
    xs, mask = torch.randn(3, 5, 3).double(), torch.tensor([0, 0, 1, 0, 1]).bool()

    def loss(parameters, x):
        return functional_call(layer, parameters, (x,), {"reset_mask": mask})[0].square().sum()

    found = vmap(grad(loss), in_dims=(None, 0))(dict(layer.named_parameters()), xs)
    for k, x in enumerate(xs):
        out, _ = layer(x, reset_mask=mask)
        expected = torch.autograd.grad(out.square().sum(), list(layer.parameters()))
        assert_close([d[k] for d in found.values()], expected)


def test_vmap_in_training_draws_as_it_is_told(kind):
    layer = kind.make(3, 6, recurrent_dropout=0.5, zoneout=0.5)
    xs = torch.randn(1, 5, 2, 3).expand(3, 5, 2, 3)
    same, different = (
        vmap(lambda x: layer(x)[0], randomness=choice)(xs) for choice in ("same", "different")
    )
    assert torch.equal(same[0], same[1])
    assert not torch.equal(different[0], different[1])


@pytest.mark.parametrize(
    ("make", "norm"),
    [(gruta.nn.GRU, False), (partial(gruta.nn.LSTM, proj_size=3), True)],
    ids=["gru", "lstm-norm"],
)
def test_compiled_in_one_piece_in_training_equals_eager(make, norm, assert_close):
    layer = randomised(make(3, 6, **ALL | {"layer_norm": norm, "bidirectional": False}))
    x, mask = torch.randn(3, 4, 3), torch.rand(3, 4) < 0.3
    torch._dynamo.reset()
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    results = []
    for call in (compiled, layer):
        torch.manual_seed(5)
        out, _ = call(x, reset_mask=mask)
        results.append([out, *torch.autograd.grad(out.square().sum(), list(layer.parameters()))])
    assert_close(*results)


@pytest.mark.parametrize(
    ("name", "dtype"), [("RNN", torch.bfloat16), ("LSTM", torch.bfloat16), ("GRU", torch.float32)]
)
@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
def test_autocast_with_all_options_follows_torchs_rules(name, dtype, training):
    layer = getattr(gruta.nn, name)(3, 6, **ALL).train(training)
    x, mask = torch.randn(5, 2, 3), torch.tensor([[0, 1], [1, 0], [0, 0], [0, 1], [0, 0]]).bool()
    torch.manual_seed(2)
    expected, _ = layer(x, reset_mask=mask)
    torch.manual_seed(2)
    with torch.autocast("cpu", torch.bfloat16):
        out, _ = layer(x, reset_mask=mask)
    assert out.dtype is dtype
    # The kernels compute in float32, and nothing rounds the GRU's results; in evaluation the
    # expectation of zoneout, which has no backward kernel, takes the composite form.
    exact = training and dtype is torch.float32 and kernels.available()
    assert torch.equal(out.float(), expected) == exact
    torch.testing.assert_close(out.float(), expected, rtol=0, atol=0.1)
    out.float().sum().backward()
    assert all(p.grad.dtype == torch.float32 for p in layer.parameters())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64], ids=str)
def test_moved_to_another_dtype_all_options_follow(kind, dtype):
    layer = kind.make(3, 6, **ALL).to(dtype)
    out, _ = layer(torch.randn(5, 4, 3).to(dtype), reset_mask=some_resets(5, 4))
    assert out.dtype is dtype
    assert out.isfinite().all()


def test_a_plain_layer_has_torchs_parameters_and_results(kind, assert_close):
    off = {name: type(value)(0) for name, value in ALL.items() if name not in ("num_layers",)}
    ours, theirs = kind.make(3, 6, **off), kind.theirs(3, 6, **kind.arguments)
    assert isinstance(theirs, nn.Module)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x = torch.randn(5, 4, 3)
    assert_close(ours(x)[0], theirs(x)[0])
