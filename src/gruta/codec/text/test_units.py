"""What is read can be written again, whatever it is made of."""

import numpy as np
import pytest

from gruta.codec.text.graphemes import _plainly, beginning, graphemes
from gruta.codec.text.units import CODE_POINTS, UNKNOWN, Units, Writing
from gruta.codec.text.vocabulary import Vocabulary
from gruta.errors import InputError

TEXT = "A casa é azul.\n\nA  casa, a casa! Não\tsei; 10 casas…\n"
STRANGE = "casa \U0001f469‍\U0001f4bb 家 e\u0301 \x00\r\n\u200f שלום"


PAIRS = (("a", "s"), ("c", "as"), (" ", "c"), ("cas", "a"))
LETTERS = tuple(map(chr, range(256)))


def fitted(kind):
    if kind == "bytes":
        return Units.bytes()
    if kind == "subwords":
        return Units(kind, (*LETTERS, *map("".join, PAIRS)), PAIRS)
    return Units.fit([TEXT], kind, 1, 10**6)


@pytest.mark.parametrize("kind", ["bytes", "characters", "words", "subwords"])
def test_a_text_is_written_as_it_was_read(kind):
    units = fitted(kind)
    numbers = units.encode(TEXT)
    assert units.decode(numbers) == TEXT
    assert "".join(map(units.written, numbers)) == "".join(units.split(TEXT))
    again = Units.from_json(units.to_json())
    np.testing.assert_array_equal(again.encode(TEXT), numbers)
    assert numbers.max() < units.size


@pytest.mark.parametrize("kind", ["bytes", "subwords"])
def test_bytes_write_what_training_never_saw(kind):
    units = fitted(kind)
    numbers = units.encode(STRANGE)
    assert units.decode(numbers) == STRANGE
    writing = Writing(units)
    said = [writing.said(number) for number in numbers]
    assert "".join(said) == STRANGE
    assert "\ufffd" not in "".join(said)
    assert not units.spelling(STRANGE, numbers).any()


def test_subwords_are_as_long_as_the_pairs_make_them():
    assert fitted("subwords").split("A casa") == ["A", " ", "casa"]


def test_an_unknown_unit_is_spelled_out_and_paid_for():
    letters = Units.fit(["abba"], "characters", 1, 10)
    numbers = letters.encode("ab?")
    np.testing.assert_array_equal(numbers, [1, 2, UNKNOWN])
    np.testing.assert_allclose(letters.spelling("ab?", numbers), [0, 0, np.log(CODE_POINTS)])
    words = Units.fit(["a casa"], "words", 1, 10)
    numbers = words.encode("a vaca")
    cost = [0, len(" vaca") * np.log(CODE_POINTS + 1) + np.log(CODE_POINTS + 1)]
    np.testing.assert_allclose(words.spelling("a vaca", numbers), cost)


def test_rare_units_are_left_out_and_the_frequent_come_first():
    units = Units.fit(["bbaac"], "characters", 2, 10)
    assert units.units == ("a", "b")
    assert Units.fit(["bbbaac"], "characters", 1, 2).units == ("b", "a")


def test_texts_of_which_nothing_comes_often_enough_are_refused():
    texts = ["uma casa", "duas vacas"]
    with pytest.raises(InputError, match="fewest: nothing comes so often"):
        Units.fit(texts, "words", 2, 10)
    with pytest.raises(InputError, match="fewest: nothing comes so often"):
        Vocabulary.fit(texts, "words", lower=False, fewest=2)


@pytest.mark.parametrize(
    "change", [{"kind": "runes"}, {"units": []}, {"units": ["a", "a"]}, {"units": ["ab"]}]
)
def test_what_is_no_vocabulary_is_refused(change):
    with pytest.raises(InputError, match="units of a text"):
        Units.from_json({"kind": "characters", "units": ["a"], "merges": []} | change)


def test_the_beginning_of_a_text_cuts_no_grapheme():
    assert beginning("a\u0301" * 5, 3) == "a\u0301" * 3 + "…"
    assert beginning("a\u0301" * 3, 3) == "a\u0301" * 3


def test_graphemes_are_found_without_the_library_too_but_for_flags_and_hangul():
    for text in ("casa", "e\u0301a\u0303o\r\n", "\U0001f469\u200d\U0001f4bb x", "", "\u0301"):
        assert _plainly(text) == graphemes(text)
