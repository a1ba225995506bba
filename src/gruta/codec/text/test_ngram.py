"""The n-gram model against counts by hand, and against itself written out plainly."""

from collections import Counter

import numpy as np
import pytest

from gruta.codec.text import along
from gruta.codec.text.along import counted_along, weighed_along
from gruta.codec.text.mixture import Mixture
from gruta.codec.text.ngram import FALLBACK, SHORT, NGram, best

TEXTS = [np.array([0, 1, 0, 1, 2, 0, 1]), np.array([1, 0, 1, 1])]


def test_two_units_by_hand():
    """Of "abab" alone: b follows a twice, a follows b once, a begins; with the fallback's discounts
    of 0.5 for a count of 1 and 1.0 for a count of 2.
    """
    model = NGram.count([np.array([0, 1, 0, 1])], 2, 2)
    # Of single units: a comes behind the mark and behind b, b behind a. Of 3, discounts 1 and 0.5
    # leave (2 - 1) / 3 and (1 - 0.5) / 3, and 1.5 / 3 for both alike.
    a, b = 1 / 3 + 0.5 / 2, 0.5 / 3 + 0.5 / 2
    # Behind a: b twice of 2, less 1, which leaves 1 / 2; behind b: a once, which leaves 0.5; behind
    # the mark: a once.
    expected = [0.5 + 0.5 * a, 0.5 + 0.5 * b, 0.5 + 0.5 * a, 0.5 + 0.5 * b]
    assert FALLBACK == (0.5, 1.0, 1.5)
    np.testing.assert_allclose(model.probabilities(np.array([0, 1, 0, 1])), expected, rtol=1e-15)


@pytest.mark.parametrize("order", [1, 2, 4])
@pytest.mark.parametrize("seed", [0, 1])
def test_it_is_what_the_definition_says(order, seed):
    draw = np.random.default_rng(seed)
    texts = [np.minimum(draw.geometric(0.3, n), 8) - 1 for n in (1, 90, 400)]
    model = NGram.count(texts, 9, order)
    unseen = draw.integers(0, 9, 30)
    found = model.probabilities(unseen)
    written = [9] * (order - 1) + unseen.tolist()
    expected = [
        _plainly(texts, 9, order, tuple(written[i : i + order - 1]), written[i + order - 1])
        for i in range(len(unseen))
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("history", [[], [0], [2, 2], [0, 1, 2, 0, 1]])
def test_probabilities_sum_to_one(history):
    model = NGram.count(TEXTS, 4, 3)
    each = [model.probabilities(np.array([*history, unit]))[-1] for unit in range(4)]
    assert sum(each) == pytest.approx(1, abs=1e-14)
    assert min(each) > 0


def test_the_order_is_chosen_on_what_is_held_out():
    cycle = np.tile([0, 0, 1, 0, 1, 1], 60)
    assert best([cycle], 2, [cycle[:30]]).order > 2
    draw = np.random.default_rng(0)
    assert best([draw.integers(0, 2, 500)], 2, [draw.integers(0, 2, 500)]).order == 1


def _plainly(texts, size, order, context, unit):
    """The probability by the recursion, with counts in dictionaries."""
    runs = [(size,) * (order - 1) + tuple(text.tolist()) for text in texts]  # each behind its marks

    def counted(length):
        raw = Counter(
            text[i - length + 1 : i + 1] for text in runs for i in range(order - 1, len(text))
        )
        if length == order:
            return raw
        before = {text[i - length : i + 1] for text in runs for i in range(order - 1, len(text))}
        fresh = Counter(run[1:] for run in before)
        return {run: raw[run] if run[0] == size else fresh[run] for run in raw}

    found = 1 / size
    for length in range(1, order + 1):
        counts = counted(length)
        n = [sum(c == k for c in counts.values()) for k in range(1, 5)]
        discounts = (0.0, *FALLBACK)
        if min(n):
            y = n[0] / (n[0] + 2 * n[1])
            own = (0.0, *(k - (k + 1) * y * n[k] / n[k - 1] for k in (1, 2, 3)))
            discounts = own if all(0 <= d <= k for k, d in enumerate(own)) else discounts
        known = context[order - length :]
        after = {u: c for u in range(size) if (c := counts.get((*known, u), 0))}
        total = sum(after.values())
        if not total:
            continue
        kept = after.get(unit, 0) - discounts[min(after.get(unit, 0), 3)]
        found = (kept + sum(discounts[min(c, 3)] for c in after.values()) * found) / total
    return found


@pytest.mark.parametrize("order", [1, 2, 5, 8])
def test_the_next_unit_is_as_likely_as_after_the_whole_text(order):
    draw = np.random.default_rng(order)
    texts = [np.minimum(draw.geometric(0.3, n), 8) - 1 for n in (1, 90, 400)]
    model = NGram.count(texts, 9, order)
    text = np.concatenate([draw.integers(0, 9, 20), texts[2][:30]])
    places = model.after(text[:3])[None]
    for k in range(3, len(text)):
        found = model.next(places)[0]
        assert found.sum() == pytest.approx(1, abs=1e-12)
        assert found[text[k]] == pytest.approx(model.probabilities(text[: k + 1])[-1], rel=1e-12)
        places = model.moved(places, text[k : k + 1])
    np.testing.assert_array_equal(places[0], model.after(text))


def test_long_runs_that_came_once_are_left_out():
    text = np.random.default_rng(0).integers(0, 3, 3000)
    model = NGram.count([text], 3, SHORT + 2)
    for k, order in enumerate(model.orders, 1):
        runs = Counter(map(tuple, np.lib.stride_tricks.sliding_window_view(text, k).tolist()))
        real = order.runs[np.isin(order.runs, _of_units_alone(model, k))]
        assert len(real) == sum(n > 1 or k <= SHORT for n in runs.values())


def _of_units_alone(model, length):
    """Keys of the runs of so many units in which no mark stands."""
    places = np.zeros(1, np.int64)
    for order in model.orders[:length]:
        context, unit = np.divmod(order.runs, model.size + 1)
        found = np.flatnonzero(np.isin(context, places) & (unit < model.size))
        keys, places = order.runs[found], found
    return keys


def test_it_comes_back_from_its_arrays():
    model = NGram.count(TEXTS, 4, 3)
    again = NGram.from_arrays(model.to_arrays(), 4)
    text = np.array([2, 0, 1, 0, 3, 1])
    np.testing.assert_allclose(again.probabilities(text), model.probabilities(text), rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("contexts", lambda a: a[:-1]),
        ("contexts", lambda a: a + 1),
        ("units", lambda a: a[::-1]),
        ("units", lambda a: np.full_like(a, 9)),
        ("first", lambda a: np.roll(a, 1)),
        ("first", lambda a: a - 1),
        ("kept", lambda a: np.full_like(a, np.nan)),
        ("left", lambda a: a[1:]),
    ],
)
def test_arrays_that_are_not_whole_are_refused(name, wrong):
    arrays = NGram.count(TEXTS, 4, 3).to_arrays()
    with pytest.raises(ValueError, match="do not fit together"):
        NGram.from_arrays(arrays | {name: wrong(arrays[name])}, 4)


def test_counts_along_a_text_are_those_of_what_stands_before(monkeypatch):
    monkeypatch.setattr(along, "STRETCH", 16)
    text = np.random.default_rng(1).integers(0, 4, 50)
    found = counted_along(text, 4)
    assert (found[:15] == 0.25).all()
    for at in (16, 31, 32, 49):
        counts = NGram.count([text[: at // 16 * 16]], 4, along.ORDER)
        assert found[at - 1] == pytest.approx(counts.probabilities(text[: at + 1])[-1])
    changed = np.concatenate([text[:40], 3 - text[40:]])
    np.testing.assert_array_equal(counted_along(changed, 4)[:39], found[:39])
    assert len(counted_along(text[:1], 4)) == 0


def test_models_that_were_right_so_far_weigh_more(monkeypatch):
    monkeypatch.setattr(along, "STRETCH", 10)
    good, bad = np.full(40, 0.9), np.full(40, 0.1)
    found = weighed_along([good, bad], [0.5, 0.5])
    np.testing.assert_allclose(found[:10], 0.5)
    assert (np.diff(found[::10]) > 0).all()
    assert found[-1] < 0.9


def test_a_mixture_finds_a_text_likelier_than_either_of_its_parts():
    draw = np.random.default_rng(0)
    text = np.concatenate([np.tile([0, 1, 2, 3], 30), draw.integers(0, 4, 120)])
    counts = NGram.count([np.tile([0, 1, 2, 3], 30)], 4, 4)
    network = np.full(len(text) - 1, 0.25)
    found = Mixture.likeliest(counts, network, text)
    nats = found.nats(-np.log(network), text)
    assert 0 < found.share < 1
    assert nats.mean() < min(np.log(4), -np.log(counts.probabilities(text)[1:]).mean())
    again = Mixture.from_arrays(found.to_arrays(), 4)
    scores = again.scores(np.zeros((1, 4), np.float32), counts.after(text[:50])[None])
    assert -scores[0, text[50]] == pytest.approx(nats[49], rel=1e-6)
    assert np.exp(scores).sum() == pytest.approx(1)
