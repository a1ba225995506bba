"""What writes by the kernels writes what NumPy does."""

import numpy as np
import pytest

from gruta.codec.text.mixture import Mixture
from gruta.codec.text.ngram import NGram
from gruta.codec.text.sampling import Sampling
from gruta.runtime.language_model import LanguageModel
from gruta.runtime.steps import Steps, step_shapes

V, I, H, T = 23, 6, 21, 40

HOW = [
    {},
    {"temperature": 0.0},
    {"temperature": 0.3},
    {"top_k": 4},
    {"top_k": 99},
    {"top_p": 0.6},
    {"top_k": 7, "top_p": 0.8, "temperature": 2.0},
    {"min_p": 0.2},
    {"repetition_penalty": 1.7},
    {"repetition_penalty": 0.5, "top_p": 0.9, "min_p": 0.01},
]


def a_model(cell, layers):
    """Weights of the layers, a table of their inputs, and what makes scores."""
    rng = np.random.default_rng(layers)

    def draw(shape):
        return rng.standard_normal(shape).astype(np.float32)

    weights = {k: draw(shape) for k, shape in step_shapes("layers", cell, I, H, layers).items()}
    return weights, draw((V, I)), draw((H, V)), draw(V)


def a_mixture():
    texts = [np.random.default_rng(k).integers(0, 4, 90) ** 2 for k in range(3)]
    return Mixture(NGram.count(texts, V, 4), 0.6)


def written(cell, layers, B, how, storage=None, mixture=None, *, by_kernel):
    """Units, and the scores, the state, what was said and the places in the counts behind them."""
    weights, table, matrix, bias = a_model(cell, layers)
    bias[0] = -np.inf
    steps = Steps(weights, "layers", cell, storage, table)
    model = LanguageModel(steps, matrix, bias, storage, mixture)
    assert model._native is not None
    if not by_kernel:
        model._native = None
    rng = np.random.default_rng(5)
    state, logits = steps.start(B), rng.standard_normal((B, V)).astype(np.float32)
    said = rng.random((B, V)) < 0.2
    given = said if how.get("repetition_penalty", 1) != 1 else None
    logits[:, 0] = -np.inf
    places = None if mixture is None else np.tile(mixture.ngram.after(np.array([1, 4])), (B, 1))
    draws = [rng.random((t, B)) for t in (T, 1)]
    units = [model.write(state, logits, some, Sampling(**how), given, places) for some in draws]
    return np.concatenate(units), logits, state, said, places


@pytest.mark.parametrize("how", HOW, ids=str)
@pytest.mark.parametrize(("cell", "layers", "B"), [("gru", 1, 1), ("lstm", 2, 3), ("rnn", 3, 17)])
def test_kernels_draw_what_numpy_draws(cell, layers, B, how):
    found, expected = (written(cell, layers, B, how, by_kernel=way) for way in (True, False))
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[3], expected[3])
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-5, atol=1e-5)
    for own, other in zip(found[2], expected[2], strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-5, atol=1e-5)
    assert (found[0] != 0).all()


@pytest.mark.parametrize("how", HOW, ids=str)
def test_kernels_ask_the_counts_as_numpy_does(how):
    found, expected = (
        written("gru", 1, 5, how, mixture=a_mixture(), by_kernel=way) for way in (True, False)
    )
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[4], expected[4])
    assert (found[0] != 0).all()
    assert (found[0] != written("gru", 1, 5, how, by_kernel=True)[0]).any()


@pytest.mark.parametrize("storage", ["float16", "bfloat16"])
def test_scores_in_16_bits_are_near_those_in_32(storage):
    greedy = {"temperature": 0.0}
    small, whole = (written("gru", 1, 3, greedy, s, by_kernel=True) for s in (storage, None))
    again = written("gru", 1, 3, greedy, storage, by_kernel=True)
    np.testing.assert_array_equal(small[0], again[0])
    assert (small[0][:5] == whole[0][:5]).mean() > 0.8


def test_what_does_not_fit_together_is_refused():
    weights, table, matrix, bias = a_model("gru", 2)
    steps = Steps(weights, "layers", "gru", None, table)
    with pytest.raises(ValueError, match="weight must have the shape"):
        LanguageModel(steps, matrix[:-1], bias)
    B = 2
    model, logits = LanguageModel(steps, matrix, bias), np.zeros((B, V), np.float32)
    with pytest.raises(ValueError, match="states must be a list with the states of each layer"):
        model.write(steps.start(B)[:1], logits, np.zeros((1, B)), Sampling())
    counted = LanguageModel(steps, matrix, bias, None, a_mixture())
    for places in ([[0, 1, 2]] * B, [[0, 1, 2, 10**9]] * B):
        with pytest.raises(ValueError, match="places must"):
            counted.write(
                steps.start(B), logits, np.zeros((1, B)), Sampling(), None, np.array(places)
            )
    with pytest.raises(ValueError, match="h must have the shape"):
        model.write(steps.start(B + 1), logits, np.zeros((1, B)), Sampling())
