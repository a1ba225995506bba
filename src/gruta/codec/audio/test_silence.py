import numpy as np
import pytest

from gruta.codec.audio.silence import cut_points, levels, pieces
from gruta.errors import InputError

RATE = 8000


def spoken(words, pauses, seed=0):
    """Noise for words and near silence for pauses, of so many seconds each in turn."""
    draw, parts = np.random.default_rng(seed), []
    for word, pause in zip(words, pauses, strict=True):
        parts.append(draw.standard_normal(round(word * RATE)) * 0.2)
        parts.append(draw.standard_normal(round(pause * RATE)) * 0.001)
    return np.concatenate(parts).astype("f4") + np.float32(0.3)  # a constant is no sound


def test_cuts_lie_in_the_longest_pauses():
    sound = spoken([3, 4, 4, 6, 2], [0.3, 0.5, 0.25, 0.6, 0.1])
    pauses = [(3, 3.3), (7.3, 7.8), (11.8, 12.05), (18.05, 18.65)]
    points = cut_points(sound, RATE, longest=9)
    assert len(points) == 2
    assert all(any(a < at / RATE < b for a, b in pauses) for at in points)
    assert 7.3 < points[0] / RATE < 7.8  # of two in the second half the longer


@pytest.mark.parametrize("size", [1000, 8001, 10**6])
def test_pieces_are_the_sound_whatever_the_blocks_are(size):
    sound = spoken([2, 1, 3, 2, 5], [0.2, 0.4, 0.3, 0.5, 0.2])
    blocks = (sound[i : i + size] for i in range(0, len(sound), size))
    found = list(pieces(blocks, RATE, 4))
    assert np.array_equal(np.concatenate([piece for _at, piece in found]), sound)
    assert [at for at, _piece in found][1:] == cut_points(sound, RATE, 4)
    assert max(len(piece) for _at, piece in found) <= 4 * RATE
    assert min(len(piece) for _at, piece in found[:-1]) >= 0.4 * RATE


@pytest.mark.parametrize("sound", [np.zeros(50_000, "f4"), np.ones(50_000, "f4"), spoken([6], [0])])
def test_without_a_pause_pieces_are_as_long_as_they_may_be(sound):
    found = [len(piece) for _at, piece in pieces([sound], RATE, 2)]
    assert sum(found) == len(sound)
    assert max(found) <= 2 * RATE


def test_short_and_empty_sounds_are_one_piece_or_none():
    assert list(pieces([], RATE)) == list(pieces([np.empty(0, "f4")], RATE)) == []
    assert cut_points(np.zeros(100, "f4"), RATE) == []
    assert levels(np.empty(0, "f4"), RATE).shape == (0,)
    assert levels(np.array([1, -1] * 50, "f4"), RATE) == pytest.approx([1, 1])
    with pytest.raises(
        InputError, match="longest: expected pieces of two samples or more, got 0 s"
    ):
        list(pieces([], RATE, 0))
