"""ncnn's files of recurrent layers beside the reference, and those that cannot be."""

import numpy as np
import pytest

from gruta.errors import InputError
from gruta.exchange.compute import compute
from gruta.exchange.conftest import KINDS, drawn
from gruta.exchange.doctor.conftest import CLOSE, answers
from gruta.exchange.doctor.ncnn_asked import asked
from gruta.exchange.doctor.tried import SIZES, Asked
from gruta.exchange.layer import Layer, Side
from gruta.exchange.weights.ncnn import NCNN, files

HALF = (0x01306B47).to_bytes(4, "little")


def stored(trees, half):
    """A layer's part of a `.bin`, of one tree a direction."""
    raw = b""
    for name in ("weight_xc", "bias_c", "weight_hc"):
        own = np.concatenate([tree[name].ravel() for tree in trees])
        if half:
            bits = own.astype("<f2").tobytes()
            raw += HALF + bits + bytes(-len(bits) % 4)
        else:
            raw += bytes(4) + own.astype("<f4").tobytes()
    return raw


def stack(rng, kind, path, half):
    """Two layers, the first in both directions and the second backwards, with a branch between."""
    one, other = (drawn(rng, 3, 5, **KINDS[kind]) for _ in range(2))
    last = drawn(rng, 10, 3, **KINDS[kind])
    trees = [[NCNN.out(of, of.sides[0]) for of in pair] for pair in ([one, other], [last])]
    name, counts = last.cell.upper(), [sum(t["weight_xc"].size for t in own) for own in trees]
    lines = [
        "7767517\n4 5\nInput x 0 1 x",
        f"{name} a 1 1 x y 0=5 1={counts[0]} 2=2",
        "Split s 1 2 y y1 y2",
        f"{name} b 1 1 y1 z 0=3 1={counts[1]} 2=1\n",
    ]
    path.write_text("\n".join(lines))
    path.with_suffix(".bin").write_bytes(b"".join(stored(own, half) for own in trees))
    kernel = last.kernel
    made = [
        [NCNN.back(kernel, {n: _kept(w, half) for n, w in t.items()}) for t in own] for own in trees
    ]
    turned = (False, True), (True,)
    return [
        Layer(last.cell, [Side(*a, r) for a, r in zip(own, way, strict=True)], True, "tanh", "")
        for own, way in zip(made, turned, strict=True)
    ]


def _kept(weight, half):
    return weight.astype(np.float16).astype(np.float32) if half else weight


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("kind", ["gru", "lstm", "rnn-tanh"])
def test_layers_are_asked_with_the_files_weights(kind, half, rng, tmp_path, engines):
    path = tmp_path / "m.param"
    first, second = stack(rng, kind, path, half)
    given, wanted = asked(path, SIZES)
    for one, (y, z) in zip(given, wanted, strict=True):
        assert one["x"].shape[1:] == (1, 3)
        own = compute([first], one["x"], truth=True)[0]
        np.testing.assert_allclose(y, own, atol=1e-6)
        np.testing.assert_allclose(z, compute([second], own, truth=True)[0], atol=1e-6)
    (trial,) = answers(engines, "ncnn", [Asked(path, given, wanted)])
    assert trial.error < CLOSE


@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_first_states_are_inputs_and_last_ones_outputs(kind, rng, tmp_path, engines):
    path, layer = tmp_path / "m.param", drawn(rng, 3, 4, **KINDS[kind])
    text, raw = files(layer.kernel, NCNN.out(layer, layer.sides[0]))
    path.write_text(text)
    path.with_suffix(".bin").write_bytes(raw)
    given, wanted = asked(path, SIZES)
    for one, own in zip(given, wanted, strict=True):
        x, *states = one.values()
        for found, right in zip(own, compute([layer], x, states, truth=True), strict=True):
            np.testing.assert_allclose(found, right, atol=1e-5)
    (trial,) = answers(engines, "ncnn", [Asked(path, given, wanted)])
    assert trial.error < CLOSE


def changed(text, raw):
    """Of a good pair, one that cannot be run, and what is said of it."""
    return [
        (text, None, "its weights are expected in"),
        (text, raw[:-1], "it ends before its layers do"),
        (text, raw + b"\0", "longer than its layers are"),
        (text, b"\1" + raw[1:], "no floating-point ones"),
        (text.replace("GRU layer", "Convolution layer"), raw, "no GRU, LSTM or RNN in floating"),
        (text.replace("0=4", "0=4 8=2"), raw, "no GRU, LSTM or RNN in floating"),
        (text.replace("x h0 y", "a h0 y"), raw, "reads its input x"),
        (text.replace("x h0 y", "y h0 x"), raw, "reads its input x"),
        (
            text.replace("GRU layer 2 2 x h0 y h1", "GRU layer 0 1 y"),
            raw,
            "layers do not fit together",
        ),
    ]


@pytest.mark.parametrize("case", range(9))
def test_what_cannot_be_run_is_told_in_a_sentence(case, rng, tmp_path):
    layer, path = drawn(rng, 3, 4, **KINDS["gru"]), tmp_path / "m.param"
    text, raw, said = changed(*files(layer.kernel, NCNN.out(layer, layer.sides[0])))[case]
    path.write_text(text)
    if raw is not None:
        path.with_suffix(".bin").write_bytes(raw)
    with pytest.raises(InputError, match=said):
        asked(path, SIZES)
