"""Each layer gives what its torch.nn namesake gives, and can be kept, moved and wrapped alike."""

import copy
import io
import os
from functools import partial
from pathlib import Path

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import example, given, settings
from torch.nn.utils.parametrizations import orthogonal, spectral_norm, weight_norm
from torch.nn.utils.rnn import pack_padded_sequence
from torch.optim.swa_utils import AveragedModel

import gruta.nn
from gruta import kernels
from gruta.cells.gru import reference

STATM = Path("/proc/self/statm")
OPTIONS = [
    {},
    {"num_layers": 2, "bidirectional": True},
    {"num_layers": 3, "bias": False},
    {"bidirectional": True, "bias": False, "batch_first": True},
    {"num_layers": 2, "batch_first": True},
]
every_option = pytest.mark.parametrize("options", OPTIONS, ids=str)
packs = pytest.mark.parametrize(
    ("lengths", "enforce_sorted"), [([5, 5, 3, 1], True), ([2, 5, 1, 4], False)]
)


@every_option
def test_batch_agrees_with_torch(kind, dtype, options, assert_close):
    ours, theirs = kind.twins(3, 6, dtype=dtype, **options)
    T, B = 5, 4
    x = torch.randn((B, T, 3) if ours.batch_first else (T, B, 3), dtype=dtype)
    assert_close(kind.results(ours, x), kind.results(theirs, x))
    initial = kind.initial(ours, B, dtype)
    assert_close(kind.results(ours, x, initial), kind.results(theirs, x, initial))


@every_option
def test_unbatched_input_agrees_with_torch(kind, options, assert_close):
    ours, theirs = kind.twins(3, 6, dtype=torch.float64, **options)
    x, initial = torch.randn(5, 3).double(), kind.initial(ours, None, torch.float64)
    assert_close(kind.results(ours, x), kind.results(theirs, x))
    assert_close(kind.results(ours, x, initial), kind.results(theirs, x, initial))


@packs
@every_option
def test_packed_sequence_agrees_with_torch(kind, options, lengths, enforce_sorted, assert_close):
    ours, theirs = kind.twins(3, 6, dtype=torch.float64, **options)
    x, initial = torch.randn(5, 4, 3).double(), kind.initial(ours, 4, torch.float64)
    feed = partial(pack_padded_sequence, lengths=lengths, enforce_sorted=enforce_sorted)
    assert_close(kind.results(ours, x, feed=feed), kind.results(theirs, x, feed=feed))
    with_state = [kind.results(layer, x, initial, feed) for layer in (ours, theirs)]
    assert_close(*with_state)
    packed = feed(x)
    for mine, torchs in zip(ours(packed)[0][1:], theirs(packed)[0][1:], strict=True):
        assert mine is torchs is None or torch.equal(mine, torchs)


@settings(max_examples=15, deadline=None)
@given(sizes=st.tuples(*[st.integers(1, 9)] * 4), layers=st.integers(1, 3), both=st.booleans())
@example(sizes=(1, 1, 1, 3), layers=1, both=False)
@example(sizes=(2, 17, 1, 63), layers=1, both=True)
def test_any_size_agrees_with_torch(kind, assert_close, sizes, layers, both):
    T, B, I, H = sizes
    H += "proj_size" in kind.arguments and 2
    ours, theirs = kind.twins(I, H, num_layers=layers, bidirectional=both, dtype=torch.float64)
    x, initial = torch.randn(T, B, I).double(), kind.initial(ours, B, torch.float64)
    assert_close(kind.results(ours, x, initial), kind.results(theirs, x, initial))


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("dropout", [0.0, 1.0])
def test_dropout_of_none_or_all_agrees_with_torch(kind, dropout, training, assert_close):
    ours, theirs = kind.twins(3, 6, num_layers=3, dropout=dropout, dtype=torch.float64)
    ours.train(training)
    theirs.train(training)
    x = torch.randn(5, 4, 3).double()
    assert_close(kind.results(ours, x), kind.results(theirs, x))


def test_dropout_acts_between_layers_and_only_in_training(kind):
    layer, x = kind.make(3, 6, num_layers=2, dropout=0.5), torch.randn(5, 4, 3)
    assert not torch.equal(layer(x)[0], layer(x)[0])
    layer.eval()
    assert torch.equal(layer(x)[0], layer(x)[0])


@every_option
def test_state_dict_loads_both_ways(kind, options):
    ours, theirs = kind.make(3, 6, **options), kind.theirs(3, 6, **kind.arguments, **options)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    theirs.load_state_dict(ours.state_dict(), strict=True)
    assert [len(ws) for ws in ours.all_weights] == [len(ws) for ws in theirs.all_weights]
    for layer in (ours, theirs):
        listed = [w for ws in layer.all_weights for w in ws]
        assert all(w is p for w, p in zip(listed, layer.parameters(), strict=True))
    for mine, torchs in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(mine, torchs)


def test_repr_is_torchs_until_an_argument_of_gruta_differs(kind):
    options = {"num_layers": 2, "bias": False, "dropout": 0.5, "bidirectional": True}
    assert kind.make(3, 6).extra_repr().startswith("3, 6")
    if kind.id != "rnn-relu":  # torch does not show the nonlinearity
        ours, theirs = kind.twins(3, 6, batch_first=True, **options)
        assert repr(ours) == repr(theirs)
    assert kind.make(3, 6, learn_h0=True).extra_repr().endswith(", learn_h0=True")


def test_copy_and_saved_layer_give_the_same(kind):
    layer, x = kind.make(3, 6, num_layers=2, learn_h0=True), torch.randn(5, 4, 3)
    file = io.BytesIO()
    torch.save(layer, file)
    file.seek(0)
    expected = layer(x)[0]
    twins = [copy.deepcopy(layer), torch.load(file, weights_only=False)]
    with torch.no_grad():
        layer.weight_ih_l0.zero_()
    for twin in twins:
        twin.flatten_parameters()
        assert repr(twin) == repr(layer)
        assert torch.equal(twin(x)[0], expected)


def test_weight_normalised_layer_trains_as_torchs(kind, assert_close):
    layers = kind.twins(3, 6, dtype=torch.float64)
    x, trained = torch.randn(5, 4, 3).double(), []
    for layer in layers:
        weight_norm(layer, "weight_hh_l0")
        optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            layer(x)[0].square().sum().backward()
            optimizer.step()
        trained.append(dict(layer.named_parameters()) | {"output": layer(x)[0]})
    assert_close(*trained)


@pytest.mark.parametrize("change", [weight_norm, spectral_norm, orthogonal])
def test_a_parametrised_layer_is_copied_and_averaged_amid_training(kind, change, assert_close):
    layer, x = kind.make(3, 6, dtype=torch.float64), torch.randn(5, 4, 3).double()
    change(layer, "weight_hh_l0")
    layer.eval()  # in training spectral norm draws nearer at every look
    expected = layer(x)[0]  # its graph holds what the parametrisation made
    averaged = AveragedModel(layer)
    averaged.update_parameters(layer)
    for twin in (copy.deepcopy(layer), averaged.module.eval()):
        assert_close(twin(x)[0], expected)
        twin(x)[0].sum().backward()
        assert all(p.grad is not None for p in twin.parameters())
    expected.sum().backward()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64], ids=str)
def test_moved_to_another_dtype_agrees_with_torch(kind, dtype, assert_close):
    ours, theirs = (layer.to(dtype) for layer in kind.twins(3, 6, num_layers=2))
    x = torch.randn(5, 4, 3).to(dtype)
    with torch.no_grad():
        assert_close(ours(x)[0], theirs(x)[0])


def test_shapes_on_the_meta_device(kind):
    ours, theirs = kind.twins(3, 6, num_layers=2, bidirectional=True)
    out, _ = ours.to("meta")(torch.empty(5, 4, 3, device="meta"))
    assert out.device.type == "meta"
    assert out.shape == theirs(torch.zeros(5, 4, 3))[0].shape


def test_backward_in_evaluation_gives_the_gradients_of_training(kind, assert_close):
    layer, x = kind.make(3, 6), torch.randn(5, 4, 3)
    assert_close(kind.results(layer.eval(), x), kind.results(layer.train(), x))


def test_no_grad_gives_the_same_and_keeps_no_graph(kind, dtype, assert_close):
    layer, x = kind.make(3, 6, num_layers=2, dtype=dtype), torch.randn(5, 4, 3, dtype=dtype)
    out, state = layer(x)
    assert out.requires_grad
    with torch.no_grad():
        bare, bare_state = layer(x)
    assert not bare.requires_grad
    assert bare.grad_fn is None
    assert_close([bare, *kind.tensors(bare_state)], [out.detach(), *kind.tensors(state)])


@pytest.mark.filterwarnings("ignore:gruta's compiled kernels are missing")
@every_option
def test_without_the_compiled_extension_all_is_the_same(
    kind, dtype, options, assert_close, monkeypatch
):
    layer, x = kind.make(3, 6, dtype=dtype, **options), torch.randn(5, 4, 3, dtype=dtype)
    expected = kind.results(layer, x)
    with torch.no_grad():
        bare = layer(x)[0]
    monkeypatch.setattr(kernels, "available", lambda: False)
    monkeypatch.setattr(kernels, "layer_forward", None, raising=False)
    assert_close(kind.results(layer, x), expected)
    with torch.no_grad():
        assert_close(layer(x)[0], bare)


@pytest.mark.parametrize("piece", [1, 2, 3])
def test_pieces_with_the_state_handed_on_equal_the_whole(kind, piece, assert_close):
    layer = kind.make(3, 6, num_layers=2, dtype=torch.float64)
    x, state, pieces = torch.randn(7, 4, 3).double(), None, []
    whole, final = layer(x)
    for steps in x.split(piece):
        out, state = layer(steps, state)
        pieces.append(out)
    assert_close([torch.cat(pieces), *kind.tensors(state)], [whole, *kind.tensors(final)])


def test_each_row_of_a_batch_equals_the_row_alone(kind, assert_close):
    layer, x = kind.make(3, 6, bidirectional=True, dtype=torch.float64), torch.randn(7, 4, 3)
    alone = [layer(row)[0] for row in x.double().unbind(1)]
    assert_close(layer(x.double())[0], torch.stack(alone, dim=1))


def test_learned_initial_state_stands_in_for_a_missing_one(kind, assert_close):
    layer = kind.make(3, 6, num_layers=2, bidirectional=True, learn_h0=True, dtype=torch.float64)
    plain = kind.make(3, 6, num_layers=2, bidirectional=True, dtype=torch.float64)
    plain.load_state_dict(layer.state_dict(), strict=False)
    x = torch.randn(5, 4, 3).double()
    learned = [getattr(layer, name) for name in layer.state_names]
    assert_close(layer(x)[0], plain(x)[0])
    with torch.no_grad():
        for state in learned:
            state.normal_()
    rows = [state[:, None].expand(-1, 4, -1).contiguous() for state in learned]
    given_rows = kind.results(plain, x, rows)
    found = kind.results(layer, x)
    for k, name in enumerate(layer.state_names):
        found[f"d_initial_{k}"] = found.pop(f"d_{name}")
        given_rows[f"d_initial_{k}"] = given_rows[f"d_initial_{k}"].sum(1)
    assert_close(
        [found[name] for name in sorted(found)], [given_rows[n] for n in sorted(given_rows)]
    )
    other = kind.given(kind.initial(layer, 4, torch.float64))
    assert_close(layer(x, other)[0], plain(x, other)[0])


def test_reset_before_is_the_other_gru():
    options = {"dtype": torch.float64}
    before, after = (gruta.nn.GRU(3, 6, reset_after=form, **options) for form in (False, True))
    after.load_state_dict(before.state_dict())
    x, h_0 = torch.randn(5, 4, 3).double(), torch.randn(1, 4, 6).double()
    weights = [w.detach().numpy() for w in before.all_weights[0]]
    for layer, form in ((before, False), (after, True)):
        trace = reference.forward(x.numpy(), h_0[0].numpy(), *weights, reset_after=form)
        torch.testing.assert_close(layer(x, h_0)[0].detach(), torch.from_numpy(trace.h))
    assert not torch.allclose(before(x, h_0)[0], after(x, h_0)[0])
    assert "reset_after=False" in repr(before)


@pytest.mark.parametrize("norm", [False, True], ids=["plain", "norm"])
@pytest.mark.parametrize("kind", [gruta.nn.GRU, gruta.nn.LSTM, gruta.nn.RNN])
def test_weights_changed_behind_autograds_back_are_seen_by_the_next_inference(kind, norm):
    def make():
        return kind(3, 5, bidirectional=True, layer_norm=norm)

    layer, x = make(), torch.randn(4, 1, 3)
    with torch.inference_mode():
        for parameter in layer.parameters():
            layer(x)
            parameter.data.view(-1)[-1].neg_()  # one number, and no version counts it
            fresh = make()
            fresh.load_state_dict(layer.state_dict())
            assert torch.equal(layer(x)[0], fresh(x)[0])


@pytest.mark.skipif(not kernels.available(), reason="nothing is kept")
@pytest.mark.skipif(not STATM.exists(), reason="the system does not say how much memory it is")
def test_what_is_kept_of_weights_for_inference_is_bounded():
    x = torch.randn(2, 1, 512)
    with torch.inference_mode():
        for count in range(60):  # 12.6 MB each, with a copy
            if count == 15:
                before = resident_bytes()
            gruta.nn.GRU(512, 512)(x)
    assert resident_bytes() - before < 200e6


def resident_bytes():
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
