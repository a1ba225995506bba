import itertools

import pytest

from gruta.codec.audio.captions import Word, ctm, cues, srt, vtt

TEXT = (
    "Press one & two. Or <three> não is 5 > 4 and so on until this is far too long for a line yes"
)


def words(text=TEXT, start=0.0, pause=0.0):
    found = []
    for i, word in enumerate(text.split()):
        found.append(Word(word, start + i * (0.4 + pause), start + i * (0.4 + pause) + 0.4, 0.5))
    return found


@pytest.mark.parametrize(("write", "kind"), [(srt, "srt"), (vtt, "vtt")])
@pytest.mark.parametrize("start", [0.0, 59.9996, 3599.5, 359_000.25])
def test_subtitles_are_read_back(write, kind, start):
    pysubs2 = pytest.importorskip("pysubs2")
    heard = words(TEXT if write is vtt else TEXT.replace("<three>", "three"), start)
    expected = cues(heard)
    found = pysubs2.SSAFile.from_string(write(heard), format_=kind)
    assert len(found) == len(expected) > 2
    for theirs, ours in zip(found, expected, strict=True):
        entities = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}
        text = theirs.text.replace("\\N", "\n")
        for entity, sign in entities.items():
            text = text.replace(entity, sign)
        assert text == "\n".join(ours.lines)
        assert (theirs.start, theirs.end) == (round(ours.start * 1000), round(ours.end * 1000))


def test_subtitles_keep_to_their_room_and_time():
    found = cues(words(TEXT * 9), line=20)
    assert all(len(one.lines) <= 2 for one in found)
    assert all(len(line) <= 20 for one in found for line in one.lines)
    assert all(0.001 <= one.end - one.start <= 7.5 for one in found)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    assert " ".join(line for one in found for line in one.lines) == " ".join((TEXT * 9).split())


def test_sentences_and_pauses_begin_another():
    assert [one.lines for one in cues(words("One two. Three"))] == [("One two.",), ("Three",)]
    assert len(cues(words("one two three", pause=0.9))) == 3
    assert len(cues(words("one two three", pause=0.7))) == 1


def test_a_short_one_stays_where_there_is_time():
    (alone,) = cues([Word("yes", 1.0, 1.1)])
    assert (alone.start, alone.end) == (1.0, 2.0)
    first, _second = cues([Word("yes.", 1.0, 1.1), Word("no", 1.5, 1.7)])
    assert first.end == 1.5


def test_odd_words():
    long = "x" * 60
    assert cues([Word(long, 0, 1), Word(" ", 1, 2), Word("a\n\nb", 1, 2)])[0].lines == (long, "a b")
    assert (srt([]), vtt([]), ctm([], "a")) == ("", "WEBVTT\n", "")


def test_ctm_has_a_word_a_line():
    found = ctm([Word("one two", 0.5, 1.25, 0.875), Word("", 1, 1), Word("é", 2, 2)], "a b.wav")
    assert found == "a_b.wav 1 0.500 0.750 one_two 0.8750\na_b.wav 1 2.000 0.000 é 1.0000\n"
