"""What is read when a text is said: its characters, or phonemes with what stands between words."""

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from gruta.codec.text.units import UNKNOWN
from gruta.errors import InputError
from gruta.locale import translate as _

Kind = Literal["characters", "phonemes"]
Numbers = NDArray[np.int64]

BLANK = " "
"""Between two words; of phonemes too, as a boundary may be heard."""

_SHOWN = {BLANK: "␣", "\n": "¶"}


@dataclass(frozen=True, eq=False)
class Signs:
    """Signs with the numbers 1, 2, …, in order; 0 is all that training has not seen."""

    kind: Kind
    signs: tuple[str, ...]

    @classmethod
    def fit(cls, texts: Iterable[Sequence[str]], kind: Kind) -> "Signs":
        """All that come, the most frequent first."""
        counts = Counter(one for text in texts for one in text)
        return cls(kind, tuple(sorted(counts, key=lambda one: (-counts[one], one))))

    @property
    def size(self) -> int:
        """How many numbers there are, that of the unknown included."""
        return 1 + len(self.signs)

    def numbers(self, signs: Sequence[str]) -> Numbers:
        """`[S]`."""
        return np.array([self._numbers.get(one, UNKNOWN) for one in signs], np.int64)

    def written(self, number: int) -> str:
        """One sign."""
        return self.signs[number - 1] if number else "\ufffd"

    def joined(self, signs: Sequence[str]) -> str:
        """Some of them for people: phonemes apart, and the ends of words seen."""
        if self.kind == "characters":
            return "".join(signs)
        return " ".join(_SHOWN.get(one, one) for one in signs)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {one: i for i, one in enumerate(self.signs, 1)}

    def to_json(self) -> dict[str, Any]:
        """Plain values; characters as `gruta.codec.text.units.Units` has them."""
        found: dict[str, Any] = {"kind": self.kind, "units": self.signs}
        return found | {"merges": []} if self.kind == "characters" else found

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Signs":
        """What `to_json` gave; InputError if it is anything else."""
        try:
            kind, signs = content["kind"], tuple(map(str, content["units"]))
            if kind not in get_args(Kind) or not signs or len(set(signs)) < len(signs):
                problem = _("expected different units of a known kind, got {unit!r}")
                raise ValueError(problem.format(unit=kind))
            if kind == "characters" and max(map(len, signs)) > 1:
                raise ValueError(_("expected single characters"))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                _("codec.json: not units of a text ({error})").format(error=error)
            ) from error
        return cls(kind, signs)


def is_heard(sign: str) -> bool:
    """Whether it is a letter or a phoneme, not a mark or a blank."""
    return any(one.isalnum() for one in sign)


def is_letter(one: str) -> bool:
    """Whether a word may have it anywhere."""
    return one.isalpha() or unicodedata.category(one).startswith("M")


def in_words(text: str, inside: Collection[str] = ()) -> list[str]:
    """A text in words, and each other character by itself. inside: what two letters may have
    between them in a word, such as an apostrophe.
    """
    found: list[str] = []
    for i, one in enumerate(text):
        behind_letter = bool(found) and is_letter(text[i - 1])
        if is_letter(one):
            in_word = behind_letter or (bool(found) and len(found[-1]) > 1)
        else:
            in_word = behind_letter and one in inside and is_letter(text[i + 1 : i + 2] or BLANK)
        if in_word:
            found[-1] += one
        else:
            found.append(one)
    return found
