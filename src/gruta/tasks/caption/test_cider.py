import numpy as np
import pytest

from gruta.tasks.caption.cider import Cider, words_of


def test_equals_what_is_computed_by_hand():
    """Two pictures: words of one alone weigh ln 2, "a" is in both and weighs nothing."""
    found = Cider([["a cat"], ["a dog"]])(["a cat", "a cat"])
    # Of one word and of two everything is there, of three and four words nothing: 10 · 2 / 4.
    np.testing.assert_allclose(found, [5.0, 0.0])
    longer = Cider([["a cat"], ["a dog"]])(["a cat cat cat", "a dog"])
    # "cat" counts 3, so |c₁| = 3 ln 2, but min(3, 1) · 1 of it: 1/3. Of two words "a cat" is one
    # and "cat cat" twice, which nobody expects: weighted ln 2 each, 1 / √(1 + 4). Two words apart.
    by_hand = 10 / 4 * (1 / 3 + 1 / np.sqrt(5)) * np.exp(-(2**2) / 72)
    np.testing.assert_allclose(longer, [by_hand, 5.0])


def test_equals_the_published_scorer_on_several_captions():
    """Numbers of pycocoevalcap 1.2's CiderScorer, taken once."""
    expected = [
        ["a cat sits on a red mat", "the cat is on the mat"],
        ["two dogs run"],
        ["a red ball on the grass near a dog", "a ball"],
        ["a cat"],
    ]
    said = ["a cat on a mat", "a dog runs on the grass", "a red ball near a dog", "a cat"]
    found = Cider(expected)(said)
    np.testing.assert_allclose(found, PUBLISHED, rtol=1e-6)


PUBLISHED = [2.04531965, 0.0, 2.57144587, 5.0]


def test_marks_and_capitals_do_not_count():
    assert words_of("A Jack-o'-lantern, the “cat”!") == ["a", "jack-o'-lantern", "the", "cat"]
    assert Cider([["A cat."], ["A dog!"]])(["a cat", ""])[0] == pytest.approx(5.0)
