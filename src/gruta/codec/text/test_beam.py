"""Beam search against all texts that there are."""

import itertools

import numpy as np
import pytest

from gruta.codec.text.beam import Beam, search

END, A, B = 1, 2, 3
ROOM = np.ones((1, 2), bool)


class Chain:
    """Writes by the unit before alone; looks at the first unit of the source after A."""

    def __init__(self, logits, rows=1):
        self.logits = np.log(np.array(logits, np.float32))

    def step(self, numbers):
        looks = np.where((numbers == A)[:, None], [1.0, 0.0], [0.2, 0.8]).astype(np.float32)
        return self.logits[numbers].copy(), looks

    def keep(self, sources, rows):
        pass


CHAIN = [[1, 1, 1, 1], [0.1, 0.1, 0.5, 0.3], [0.1, 0.2, 0.1, 0.6], [0.1, 0.6, 0.2, 0.1]]


def likeliest(most, how):
    """Of all texts of up to `most` units, padding left out, the best."""
    shares = np.array(CHAIN)[:, 1:]
    logs = np.full((4, 4), -np.inf)
    logs[:, 1:] = np.log(shares / shares.sum(1, keepdims=True))
    found = []
    for n in range(most + 1):
        for units in itertools.product((A, B), repeat=n):
            steps = itertools.pairwise((END, *units, END))
            looks = [(1.0, 0.0) if unit == A else (0.2, 0.8) for unit in (END, *units)[:-1]]
            attended = np.array([(0.0, 0.0), *looks]).sum(0)
            log_p = sum(logs[a, b] for a, b in steps)
            found.append((how.score(log_p, n + 1, attended, ROOM[0]), units))
    return sorted(found, reverse=True)


@pytest.mark.parametrize("how", [Beam(40), Beam(40, 0.0), Beam(40, 1.0, 0.5)])
def test_a_wide_beam_finds_the_best_of_all_texts(how):
    (texts,) = search(Chain(CHAIN), ROOM, np.array([4]), how, end=END, never=[0])
    for one, (score, units) in zip(texts, likeliest(4, how)[:5], strict=False):
        assert tuple(one.numbers) == units
        assert one.score == pytest.approx(score, abs=1e-5)
        assert one.attention.shape == (len(units), 2)


def test_width_of_one_takes_the_likeliest_unit():
    (texts,) = search(Chain(CHAIN), ROOM, np.array([9]), Beam(1), end=END, never=[0])
    assert [tuple(one.numbers) for one in texts] == [(A, B)]


def test_a_text_that_does_not_end_is_ended():
    endless = [[1, 1, 1, 1], *[[0.01, 0.01, 0.97, 0.01]] * 3]
    (texts,) = search(Chain(endless), ROOM, np.array([3]), Beam(2), end=END, never=[0])
    assert tuple(texts[0].numbers) == (A, A, A)


def test_sources_beside_each_other_are_searched_alike():
    inside = np.array([[True, False], [True, True], [True, True]])
    several = search(Chain(CHAIN), inside, np.array([1, 4, 4]), Beam(3), end=END, never=[0])
    alone = [
        search(Chain(CHAIN), inside[i : i + 1], np.array([most]), Beam(3), end=END, never=[0])[0]
        for i, most in enumerate([1, 4, 4])
    ]
    for texts, own in zip(several, alone, strict=True):
        assert [tuple(t.numbers) for t in texts] == [tuple(t.numbers) for t in own]
    assert several[0][0].attention.shape[1] == 1
