"""Signs of a text that is said: characters as they were, phonemes, and how words are found."""

import pytest

from gruta.codec.text.signs import Signs, in_words
from gruta.codec.text.units import Units
from gruta.errors import InputError


def test_characters_have_the_numbers_and_the_file_that_they_had():
    texts = ["a bee\n", "cab, ação\n"]
    signs, units = Signs.fit(texts, "characters"), Units.fit(texts, "characters", 1, 10_000)
    assert signs.to_json() == units.to_json()
    assert Signs.from_json(units.to_json()).signs == units.units
    for text in (*texts, "", "zé b"):
        assert signs.numbers(text).tolist() == units.encode(text).tolist()


def test_phonemes_come_back_and_are_shown_apart():
    signs = Signs.fit([["T", "UW", " ", "B", "IY", ".", "\n"]], "phonemes")
    again = Signs.from_json(signs.to_json())
    assert again.numbers(["B", "TH", " "]).tolist() == [signs.signs.index("B") + 1, 0, 1 + 1]
    assert again.joined(["T", "UW", " ", "B", "IY", "\n"]) == "T UW ␣ B IY ¶"
    assert again.written(0) == "\ufffd"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"kind": "words", "units": ["a"]}, "expected different units of a known kind"),
        ({"kind": "phonemes", "units": ["AA", "AA"]}, "expected different units"),
        ({"kind": "phonemes", "units": []}, "expected different units"),
        ({"kind": "characters", "units": ["AA"]}, "expected single characters"),
        ({"kind": "phonemes"}, "units"),
    ],
)
def test_what_are_no_signs_is_refused(content, message):
    with pytest.raises(InputError, match=rf"codec\.json: not units of a text \(.*{message}"):
        Signs.from_json(content)


@pytest.mark.parametrize(
    ("text", "inside", "expected"),
    [
        ("two bees.", "", ["two", " ", "bees", "."]),
        ("don't 'go'", "'", ["don't", " ", "'", "go", "'"]),
        ("don't", "", ["don", "'", "t"]),
        ("rock-'n'-roll", "-'", ["rock", "-", "'", "n", "'", "-", "roll"]),
        ("bem-vindo à", "-", ["bem-vindo", " ", "à"]),
        ("-a--b-", "-", ["-", "a", "-", "-", "b", "-"]),
        ("m\u0303a 5x", "", ["m\u0303a", " ", "5", "x"]),
        ("", "-", []),
    ],
)
def test_words_and_what_is_between_them(text, inside, expected):
    found = in_words(text, inside)
    assert found == expected
    assert "".join(found) == text
