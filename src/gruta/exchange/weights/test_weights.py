"""Weights go to other frameworks and back, held to what those computed when that was recorded."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import gruta.nn
from gruta.errors import InputError
from gruta.exchange import FRAMEWORKS, from_weights, proof_of, to_weights
from gruta.exchange.compute import compute
from gruta.exchange.proof import SIZES
from gruta.exchange.weights import door
from gruta.exchange.weights.framework import Given
from gruta.exchange.weights.record import LENGTHS, drawn, flat

DATA = Path(__file__).parent / "data"
CASES = [(name, kind) for name, own in FRAMEWORKS.items() for kind in own.kinds]


def recorded(name, kind, which="found"):
    """The tree that the framework was given, and what it computed."""
    with np.load(DATA / f"{name}.npz") as kept:
        tree, found = {}, []
        for key in kept.files:
            if key.startswith(f"{kind}/tree/"):
                *path, last = key.removeprefix(f"{kind}/tree/").split("/")
                place = tree
                for one in path:
                    place = place.setdefault(one, {})
                place[last] = kept[key]
            elif key.startswith(f"{kind}/{which}/"):
                found.append(kept[key])
        return tree, found, str(kept["version"])


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_what_a_framework_keeps_computes_what_it_computed(name, kind):
    own, (tree, found, version) = FRAMEWORKS[name], recorded(name, kind)
    layer, x, states = drawn(kind)
    if (lacking := own.no_image(layer)) is not None:
        layer = lacking[1]
    made = flat(own.out(layer, layer.sides[0]))
    assert made.keys() == flat(tree).keys()
    for key, array in flat(tree).items():
        np.testing.assert_array_equal(made[key], array)
    weights = {f"{k}_l0": w for k, w in tree.items()} if own.flat else {"l0": tree}
    (back,) = door._layers(own, weights, kind)
    again = compute([back], x, [s[None] for s in states], truth=True)
    assert found[0].shape == again[0].shape
    for one, wanted in zip(again, [found[0], *(f[None] for f in found[1:])], strict=True):
        np.testing.assert_allclose(one, wanted, atol=own.bound, err_msg=version)


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name, kind in CASES if FRAMEWORKS[name].lengths]
)
def test_rows_with_lengths_end_as_the_framework_ended_them(name, kind):
    own, (tree, (y, *finals), version) = FRAMEWORKS[name], recorded(name, kind, "short")
    _layer, x, states = drawn(kind)
    given = Given(kind, tree, x, states, LENGTHS)
    wanted, *ends = door._read_back(own, kind, tree)(given)
    np.testing.assert_allclose(y, wanted, atol=own.bound, err_msg=version)
    for found, end, initial in zip(finals, ends, states, strict=True):
        np.testing.assert_allclose(found[0], end[0], atol=own.bound, err_msg=version)
        kept = np.abs(found[1] - initial[1]).max() < own.bound  # of the row of length 0
        assert kept == own.empty


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_stack_of_two_directions_comes_back(name):
    own = FRAMEWORKS[name]
    cell = gruta.nn.LSTM(3, 4, num_layers=2, bidirectional=True)
    mapped = to_weights(cell, name)
    assert mapped.proof.error <= own.bound
    assert mapped.ran == (own.run is not None and find_spec(own.module) is not None)
    x = torch.randn(5, 2, 3)
    back = from_weights(mapped.weights, name, "lstm")
    torch.testing.assert_close(back(x)[0], cell(x)[0])


def test_a_framework_that_is_there_is_run(monkeypatch):
    own = FRAMEWORKS["flax.linen"]
    calls = []

    def run(given):
        calls.append(given)
        return [2 * own for own in truth(given)]

    def truth(given):
        arrays = own.back(given.kind, given.tree)
        side = door.Side(*arrays)
        layer = door.Layer("gru", [side])
        h, last = compute([layer], given.x, [s[None] for s in given.states], given.lengths)
        return h, last[0]

    def whole(given):
        return truth(given._replace(lengths=None))

    wrong = door.replace(own, run=run, module="numpy")
    monkeypatch.setitem(FRAMEWORKS, "flax.linen", wrong)
    with pytest.raises(InputError, match="the two sides differ by"):
        to_weights(nn.GRU(3, 4), "flax.linen")
    assert calls
    monkeypatch.setitem(FRAMEWORKS, "flax.linen", door.replace(wrong, run=truth))
    made = to_weights(nn.GRU(3, 4), "flax.linen")
    assert made.ran
    assert "a row of length 0 does not keep" in made.proof.notes[0]
    monkeypatch.setitem(FRAMEWORKS, "flax.linen", door.replace(wrong, run=whole))
    with pytest.raises(InputError, match="the two sides differ by"):  # it overlooks lengths
        to_weights(nn.GRU(3, 4), "flax.linen")


def test_weights_that_come_back_are_run_by_a_framework_that_is_imported(monkeypatch):
    own = FRAMEWORKS["flax.linen"]
    made = to_weights(nn.GRU(3, 4, num_layers=2), "flax.linen").weights
    turned = dict(reversed(made.items()))
    module = from_weights(turned, "flax.linen")
    assert proof_of(module).by == ""
    assert proof_of(module).error < 1e-5

    def run(given):
        return door._read_back(own, given.kind, given.tree)(given)

    there = door.replace(own, run=run, loaded=None, module="numpy")
    monkeypatch.setitem(FRAMEWORKS, "flax.linen", there)
    assert proof_of(from_weights(turned, "flax.linen")).by == own.name
    wrong = door.replace(there, run=lambda given: [2 * one for one in run(given)])
    monkeypatch.setitem(FRAMEWORKS, "flax.linen", wrong)
    with pytest.raises(InputError, match="the two sides differ by"):
        from_weights(turned, "flax.linen")
    monkeypatch.setattr(door, "_LARGE", 3)
    assert proof_of(from_weights(turned, "flax.linen")).by == ""


def test_what_a_framework_makes_of_a_tree_is_made_once(monkeypatch):
    own, loaded, ran = FRAMEWORKS["flax.linen"], [], []

    def load(kind, tree):
        loaded.append(tree)
        return lambda given: (
            ran.append(given.x.shape[:2]) or door._read_back(own, kind, tree)(given)
        )

    there = door.replace(own, run=lambda given: None, loaded=load, module="numpy")
    monkeypatch.setitem(FRAMEWORKS, "flax.linen", there)
    assert to_weights(nn.GRU(3, 4, num_layers=2, bidirectional=True), "flax.linen").ran
    assert len(loaded) == 4
    assert ran == [*SIZES] * 4


@pytest.mark.parametrize(
    ("module", "name", "message"),
    [
        (nn.GRU(3, 4), "flax.nnx", r"its GRUCell lacks a bias beside W_hn h; .* off by 0\.\d+"),
        (nn.GRU(3, 4), "haiku", r"no GRU whose .* behind the product; in its GRU, h .* 0\.\d+"),
        (
            gruta.nn.GRU(3, 4, reset_after=False),
            "paddle",
            "before the product; in its GRU, h would",
        ),
        (nn.RNN(3, 4), "haiku", r"no RNN with tanh; in its VanillaRNN, h would be off by \d"),
        (nn.RNN(3, 4), "equinox", "equinox has no RNN with tanh$"),
        (nn.RNN(3, 4, nonlinearity="relu"), "ncnn", "no RNN with ReLU; in its RNN, h would"),
        (nn.GRU(3, 4), "theano", "framework: expected one of flax.linen, .*, got 'theano'"),
    ],
)
def test_what_has_no_image_is_refused_with_its_price(module, name, message):
    with pytest.raises(InputError, match=message):
        to_weights(module, name)


def spoilt(name, change):
    weights = dict(to_weights(nn.LSTM(3, 4), name).weights)
    change(weights)
    return weights


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("flax.linen", lambda w: w["l0"].pop("hf"), "weights: l0: hf is missing"),
        ("flax.linen", lambda w: w.update(l0={"ii": 3}), "weights: l0: they are not those of a"),
        ("haiku", lambda w: w["l0"]["linear"].update(w=np.zeros((7, 15))), "weights: l0: they are"),
        ("mlx", lambda w: w["l0"].update(Wx=np.zeros((9, 3))), "expected a weight of shape"),
        ("mlx", lambda w: w.update(l7=w["l0"]), "expected l0, or l0 and l0_reverse"),
        ("paddle", lambda w: w.pop("weight_hh_l0"), "weights: l0: weight_hh is missing"),
        ("equinox", lambda w: w.clear(), "expected l0, or l0 and l0_reverse, and so on, got –"),
    ],
)
def test_weights_that_do_not_fit_are_named(name, change, message):
    with pytest.raises(InputError, match=message):
        from_weights(spoilt(name, change), name, "lstm")


def test_a_kind_that_the_framework_lacks_is_named():
    with pytest.raises(InputError, match="kind: expected one of lstm, which tinygrad has, got"):
        from_weights({}, "tinygrad", "gru")


def test_of_many_weights_nothing_is_made_anew_for_lengths(monkeypatch):
    layer, _x, _states = drawn("gru")
    (first, *_others), _notes = door._tries(FRAMEWORKS["openvino"], [layer])
    assert first.lengths.tolist() == [7, 3, 1]
    monkeypatch.setattr(door, "_LARGE", 80)
    (first, *_others), notes = door._tries(FRAMEWORKS["openvino"], [layer])
    assert first.lengths is None
    assert "has no lengths" in notes[0]
