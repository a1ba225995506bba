"""The units of a text and their numbers: characters, words, subwords, or runs of characters."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from gruta.codec.text.merges import Merges
from gruta.errors import InputError
from gruta.locale import translate as _

Unit = Literal["characters", "grams", "words", "subwords"]

PADDING, UNKNOWN, FIRST = 0, 1, 2
"""The numbers of no unit, of one that training has not seen, and of the first that it has."""

LONGEST_GRAM = 4
SPACE, START, END = "▁", "\x02", "\x03"
"""Stands before a word's first subword; before and behind a text of grams."""

_WORD = re.compile(r"\w+|[^\w\s]")


def as_read(text: str, lower: bool) -> str:
    """A text with one character for each letter and its accents, and in small letters if asked."""
    return unicodedata.normalize("NFC", text.lower() if lower else text)


def words_of(text: str) -> list[str]:
    """The words and punctuation marks of a text."""
    return _WORD.findall(text)


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The units that training has seen; others are all alike.

    unit: with grams, a step is a character, and stands for the up to four that end with it. units:
    unit i has number FIRST + i. merges: of subwords, the pairs that become one, first first
    (Sennrich et al. 2016, arXiv:1508.07909).
    """

    unit: Unit
    units: tuple[str, ...]
    lower: bool = False
    merges: tuple[tuple[str, str], ...] = ()

    @classmethod
    def fit(cls, texts: Iterable[str], unit: Unit, lower: bool, fewest: int) -> "Vocabulary":
        """The units that stand in `fewest` different texts, the most frequent first; InputError
        where none does.
        """
        empty, counts = cls(unit, (), lower), Counter[str]()
        for text in dict.fromkeys(texts):
            steps = empty.split(text)
            counts.update({u for i in range(len(steps)) for u in empty._at(steps, i)})
        kept = [u for u, n in counts.items() if n >= fewest or (unit == "grams" and len(u) == 1)]
        if not kept:
            raise InputError(fewest=_("nothing comes so often in the training part; lower it"))
        return cls(unit, tuple(sorted(kept, key=lambda u: (-counts[u], u))), lower)

    @property
    def size(self) -> int:
        """How many numbers there are, those of no unit included."""
        return FIRST + len(self.units)

    def split(self, text: str) -> list[str]:
        """The steps of a text; never none."""
        text = as_read(text, self.lower)
        match self.unit:
            case "characters":
                found = list(text)
            case "grams":
                found = [START, *text, END]
            case "words":
                found = words_of(text)
            case "subwords":
                found = [part for word in words_of(text) for part in self._subwords(SPACE + word)]
        return found or [" "]

    def shown(self, text: str) -> list[str]:
        """The steps of a text as people see them: its ends have no character of their own."""
        return [{START: "⟨", END: "⟩"}.get(step, step) for step in self.split(text)]

    def encode(self, text: str) -> NDArray[np.int64]:
        """Numbers `[T]`, T ≥ 1; of grams `[T, 4]`, with padding for those that training lacks."""
        steps, known = self.split(text), self._numbers
        if self.unit != "grams":
            return np.array([known.get(one, UNKNOWN) for one in steps], np.int64)
        found = np.full((len(steps), LONGEST_GRAM), PADDING, np.int64)
        for i in range(len(steps)):
            for n, gram in enumerate(self._at(steps, i)):
                found[i, n] = known.get(gram, PADDING)
        return found

    def _at(self, steps: list[str], i: int) -> list[str]:
        """The units that step i stands for."""
        if self.unit != "grams":
            return [steps[i]]
        longest = min(LONGEST_GRAM, i + 1)
        return ["".join(steps[i - n : i + 1]) for n in range(longest)]

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {one: FIRST + i for i, one in enumerate(self.units)}

    @cached_property
    def _subwords(self) -> Merges:
        return Merges(self.merges)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        merges = [list(pair) for pair in self.merges]
        return {"unit": self.unit, "units": self.units, "lower": self.lower, "merges": merges}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Vocabulary":
        """What `to_json` gave; InputError if it is anything else."""
        try:
            unit, units = content["unit"], tuple(map(str, content["units"]))
            merges = tuple((str(a), str(b)) for a, b in content["merges"])
            if unit not in get_args(Unit) or len(set(units)) < len(units):
                raise ValueError(
                    _("expected different units of a known kind, got {unit!r}").format(unit=unit)
                )
            return cls(unit, units, bool(content["lower"]), merges)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                _("codec.json: not a vocabulary ({error})").format(error=error)
            ) from error
