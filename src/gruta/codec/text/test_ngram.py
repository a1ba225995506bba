"""The n-gram model against counts by hand, and against itself written out plainly."""

from collections import Counter

import numpy as np
import pytest

from gruta.codec.text.ngram import FALLBACK, NGram, best

TEXTS = [np.array([0, 1, 0, 1, 2, 0, 1]), np.array([1, 0, 1, 1])]


def test_two_units_by_hand():
    """Of "abab" alone: b follows a twice, a follows b once, a begins; with the fallback's discounts
    of 0.5 for a count of 1 and 1.0 for a count of 2.
    """
    model = NGram([np.array([0, 1, 0, 1])], 2, 2)
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
    model = NGram(texts, 9, order)
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
    model = NGram(TEXTS, 4, 3)
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
