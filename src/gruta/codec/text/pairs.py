"""Two languages in numbers: the units of what is read and of what is written, and their ends."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.text.units import UNKNOWN, Kind, Units
from gruta.errors import InputError
from gruta.locale import translate as _

Numbers = NDArray[np.int64]

PADDING, END = 0, 1
"""The numbers of no unit, and of a text's end, which stands before its first unit too."""
OWN = 2
"""So many stand before the units' own numbers."""
NEVER_SEEN = OWN + UNKNOWN

_FEW_WORDS = 250
_LONGEST_WORD = 30
_MARK = re.compile(r"[。、，！？।;:,.]")


@dataclass(frozen=True)
class Side:
    """The units of one side.

    Words and subwords hold the blank before them; a text gets one in front, so that a word has one
    number wherever it stands.
    """

    units: Units

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return OWN + self.units.size

    def split(self, text: str) -> Sequence[str]:
        """The units of a text, as people see them."""
        return [decoded(self.units, one) for one in self.units.split(self._read(text))]

    def encode(self, text: str, longest: int) -> Numbers:
        """Numbers `[T]` of at most so many units, and of the end."""
        own = self.units.encode(self._read(text))[:longest] + OWN
        return np.append(own, END)

    def count(self, text: str) -> int:
        """How many units a text has."""
        return len(self.units.encode(self._read(text)))

    def decode(self, numbers: Iterable[int], unknown: Sequence[str] = ()) -> str:
        """The text of these numbers, up to the end. unknown: what stands for those never seen, one
        after the other; a replacement character where there is none.
        """
        spare, parts, pending = iter(unknown), list[str](), list[int]()
        for one in numbers:
            if one == END:
                break
            if one == NEVER_SEEN:
                parts += [self.units.decode(pending), next(spare, "\ufffd")]
                pending = []
            else:
                pending.append(int(one) - OWN)
        return "".join([*parts, self.units.decode(pending)]).strip()

    def _read(self, text: str) -> str:
        return as_read(text, self.units.kind)


def as_read(text: str, kind: Kind) -> str:
    """A text with one character for each letter and its accents, and with single blanks."""
    plain = " ".join(unicodedata.normalize("NFC", text).split())
    return " " + plain if kind in ("words", "subwords") else plain


def decoded(units: Units, one: str) -> str:
    """A unit for people; half a character is shown as such."""
    return one.encode("latin-1").decode("utf-8", "replace") if units.letters_are_bytes else one


def is_word(text: str) -> bool:
    """Whether a text is a single word; a sentence without blanks has marks, or is long."""
    plain = text.strip()
    marked = len(plain.split()) > 1 or _MARK.search(plain)
    return not marked and len(plain) <= _LONGEST_WORD


def likely_kind(texts: Iterable[str]) -> Kind:
    """Characters of single words, words where there are few of them, and else subwords."""
    lone, count, words, seen = 0, 0, 0, set[str]()
    for text in texts:
        found = text.split()
        count, lone, words = count + 1, lone + is_word(text), words + len(found)
        seen.update(found)
    if lone > 0.95 * count:
        return "characters"
    return "words" if len(seen) <= _FEW_WORDS and len(seen) * 4 <= words else "subwords"


def side_by_side(texts: Sequence[Numbers]) -> tuple[Numbers, Numbers]:
    """`[T, B]`, padding behind their ends, and their lengths `[B]`."""
    lengths = np.array([len(one) for one in texts])
    found = np.full((int(lengths.max()), len(texts)), PADDING, np.int64)
    for i, one in enumerate(texts):
        found[: len(one), i] = one
    return found, lengths


@dataclass(frozen=True, eq=False)
class PairCodec:
    """What a text is made of, and what it becomes.

    longest: so many units of a source are read. shared: both sides have the same units.
    """

    source: Side
    target: Side
    longest: int
    shared: bool

    @property
    def is_wordlike(self) -> bool:
        """Whether single words are read: then an answer is right or wrong as a whole."""
        return self.source.units.kind == "characters"

    def sources(self, texts: Iterable[str]) -> list[Numbers]:
        """Of each text its numbers, cut at the longest, and the end."""
        return [self.source.encode(text, self.longest) for text in texts]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        target = None if self.shared else self.target.units.to_json()
        return {"source": self.source.units.to_json(), "target": target, "longest": self.longest}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "PairCodec":
        """What `to_json` gave; InputError if it is anything else."""
        try:
            source, shared = Units.from_json(content["source"]), content["target"] is None
            target = source if shared else Units.from_json(content["target"])
            longest = int(content["longest"])
            if longest < 1:
                problem = _("expected a number of units above 0, got {longest}")
                raise ValueError(problem.format(longest=longest))
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            problem = _("codec.json: not the units of two languages ({error})")
            raise InputError(problem.format(error=error)) from error
        return cls(Side(source), Side(target), longest, shared)
