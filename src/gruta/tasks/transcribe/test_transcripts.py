"""Whole sounds written down: cut where they are quiet, as captions and tables."""

import json

import numpy as np
import pytest

from gruta.codec.audio.cuts import Cutter
from gruta.tasks.transcribe.formats import written
from gruta.tasks.transcribe.heard import Word
from gruta.tasks.transcribe.transcripts import Transcript


def frames(levels, count=4):
    """`[T, C]` of runs of (frames, level)."""
    draw = np.random.default_rng(0)
    level = np.concatenate([np.full(n, float(x)) for n, x in levels])
    return (level[:, None] + 0.1 * draw.standard_normal((len(level), count))).astype(np.float32)


def cut(x, size, **how):
    cutter = Cutter(0.01, how.get("longest", 3.0), how.get("pause", 0.3))
    pieces = [p for i in range(0, len(x), size) for p in cutter.add(x[i : i + size])]
    return [*pieces, *cutter.finish()]


@pytest.mark.parametrize("size", [1, 10, 37])
def test_pieces_end_in_pauses_and_lose_nothing(size):
    x = frames([(20, 0), (100, 5), (50, 0), (80, 5), (10, 0), (60, 5), (60, 0)])
    pieces = cut(x, size)
    assert (np.concatenate([p.frames for p in pieces]) == x).all()
    assert [p.begin for p in pieces] == [0, *np.cumsum([len(p.frames) for p in pieces])[:-1]]
    first = len(pieces[0].frames)
    assert 120 < first < 170  # within the pause of half a second, not that of a tenth
    assert len(pieces) in (2, 3)  # silence at the end may be a piece


def test_without_a_pause_it_is_cut_where_it_is_quietest():
    x = frames([(200, 5), (10, 2), (400, 5)])
    pieces = cut(x, 50)
    assert all(len(p.frames) <= 300 for p in pieces)
    assert 200 <= len(pieces[0].frames) <= 210
    assert (np.concatenate([p.frames for p in pieces]) == x).all()


def test_noise_and_silence_have_no_pauses():
    draw = np.random.default_rng(0)
    for x in (np.full((900, 4), -23.0, np.float32), draw.normal(size=(900, 40)).astype("f")):
        pieces = cut(x, 100)
        assert all(150 <= len(p.frames) <= 300 for p in pieces[:-1])


def test_formats_say_the_same():
    class Of(Transcript):
        words = (Word("a<b", 3661.5, 3662.0, 0.5), Word("c", 3662.0, 3662.25, 1.0))

    one = Of("my file.wav", 3663.0, ())
    assert written([one], "srt") == "1\n01:01:01,500 --> 01:01:02,500\na<b c\n"
    assert written([one], "vtt") == "WEBVTT\n\n01:01:01.500 --> 01:01:02.500\na&lt;b c\n"
    assert written([one], "ctm") == (
        "my_file.wav 1 3661.500 0.500 a<b 0.5000\nmy_file.wav 1 3662.000 0.250 c 1.0000\n"
    )
    told = json.loads(written([one], "json"))
    assert [word["word"] for word in told[0]["words"]] == ["a<b", "c"]
