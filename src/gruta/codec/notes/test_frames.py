from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from gruta.codec.notes.frames import COUNT, Frames, Roll, before
from gruta.codec.notes.piece import Piece, as_notes, whole_bars
from gruta.codec.notes.simple import PRIOR, ByKey
from gruta.errors import InputError


def piece(notes, quarter=480, bars=None):
    bars = whole_bars(quarter) if bars is None else np.array(bars)
    return Piece("p", (as_notes((*note, 80) for note in notes),), quarter, bars)


def noise(length=60, seed=0):
    """Keys at random, some of them struck again while they sound."""
    draw = np.random.default_rng(seed)
    sounding = draw.random((length, COUNT)) < 0.5
    sounding[-1] |= ~sounding.any(0)
    struck = sounding & (~before(sounding) | (draw.random(sounding.shape) < 0.3))
    return Roll(sounding, struck, np.arange(length) % 16)


@pytest.mark.parametrize("a_quarter", [1, 3, 4, 7])
def test_frames_that_become_notes_come_back_equal(a_quarter):
    frames, roll = Frames(a_quarter), noise()
    written = frames.piece(roll, "p")
    back = frames.roll(written)
    assert (back.sounding == roll.sounding).all()
    assert (back.struck == roll.struck).all()
    for voice in written.voices:  # each by itself, no note meets the next
        assert (voice[1:, 0] >= voice[:-1, 1]).all()


def test_each_end_goes_to_the_nearest_frame_and_a_note_has_one_at_least():
    notes = [(59, 181, 60), (60, 70, 62), (481, 481 + 359, 64)]
    roll = Frames(4).roll(piece(notes))
    found = [np.flatnonzero(roll.sounding[:, key - 21]).tolist() for _, _, key in notes]
    assert found == [[0, 1], [1], [4, 5, 6]]


def test_a_key_struck_again_is_told_from_one_that_is_held():
    held, again = (piece([(0, 960, 60)]), piece([(0, 480, 60), (480, 960, 60)]))
    a, b = map(Frames(4).roll, (held, again))
    assert (a.sounding == b.sounding).all()
    assert np.flatnonzero(b.struck[:, 39]).tolist() == [0, 4]
    assert Frames(4).piece(b, "p").notes[:, :3].tolist() == again.notes[:, :3].tolist()


def test_a_pickup_is_the_end_of_a_bar():
    pickup = piece([(0, 480 * 7, 60)], bars=[[0, 480], [480, 1440]])
    places = Frames(2).roll(pickup).places
    assert places.tolist() == [4, 5, 0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("bars", "quarters", "coming"),
    [
        ([[0, 1440]], 3, [0, 1, 2, 3, 4, 5, 0]),  # one bar of three quarters
        ([[0, 480], [480, 1440]], 5, [2, 3, 4, 5, 0]),
        ([[0, 2400]], 9, [8, 9, 0, 1, 2]),
        ([[0, 1440], [1440, 960]], 5, [0, 1, 2, 3, 0]),
    ],
)
def test_what_follows_goes_on_in_the_meter_and_is_written_in_it(bars, quarters, coming):
    codec = Frames(2)
    opening = codec.roll(piece([(0, 480 * quarters, 60)], bars=bars))
    assert list(islice(codec.following(opening), len(coming))) == coming
    written = codec.piece(opening, "p")
    assert written.bars.tolist() == bars
    assert codec.roll(written).places.tolist() == opening.places.tolist()


def test_content_is_that_of_the_music_and_not_of_its_key_or_file():
    notes = [(0, 480, 60), (480, 960, 64), (960, 1440, 67)]
    same = piece([(480 + s, 480 + e, key + 5) for s, e, key in notes])
    finer = replace(piece([(2 * s, 2 * e, key) for s, e, key in notes], 960), name="other")
    other = piece([*notes[:2], (960, 1440, 68)])
    first, *found = (Frames(4).roll(one).content() for one in (piece(notes), same, finer, other))
    assert [one == first for one in found] == [True, True, False]


def test_more_frames_than_any_music_has_are_refused_before_they_are_made():
    with pytest.raises(InputError, match=r"p: 4,000,000,000,000 frames, the limit is 1,000,000"):
        Frames(4).roll(piece([(0, 10**12, 60)], quarter=1))


def test_codecs_of_something_else_are_refused():
    good = Frames(4, tempo=90.0).to_json()
    assert Frames.from_json(good) == Frames(4, tempo=90.0)
    for wrong in ({"a_quarter": 0}, {"kind": "words"}, {"tempo": float("nan")}):
        with pytest.raises(InputError, match="not frames of notes"):
            Frames.from_json(good | wrong)


def test_a_key_by_itself_is_as_likely_as_it_was_after_the_last_frame():
    roll = np.zeros((4, COUNT), bool)
    roll[1:3, 10] = True
    model = ByKey.fit([roll])
    starts = 1.5 / (4 * COUNT - 2 + 1)  # of all keys in silence, one of which began
    assert model.sounds[0, 10] == pytest.approx((1 + PRIOR * starts) / (2 + PRIOR))
    assert model.sounds[1, 10] == pytest.approx((1 + PRIOR * 0.5) / (2 + PRIOR))
    assert model.nats(roll)[0] == pytest.approx(-np.log(1 - model.sounds[0]).sum())


def test_who_repeats_the_frame_learns_two_numbers_and_who_counts_keys_ignores_the_last():
    rolls = [noise().sounding]
    repeat, keys = ByKey.fit(rolls, keys=False), ByKey.fit(rolls, last=False)
    assert (repeat.parameters, keys.parameters) == (2, COUNT)
    assert np.ptp(repeat.sounds, axis=1).tolist() == [0, 0]
    assert (keys.sounds[0] == keys.sounds[1]).all()
