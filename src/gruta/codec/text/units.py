"""What a language model reads and writes, and its numbers: bytes, characters, words, or subwords.

Whatever is written can be read again: units, joined, are the text, blanks and line ends included.
"""

import codecs
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from gruta.codec.text.merges import Merges
from gruta.errors import InputError
from gruta.locale import translate as _

Kind = Literal["bytes", "characters", "words", "subwords"]
Numbers = NDArray[np.int64]

UNKNOWN = 0
"""The number of all that training has not seen, of characters and words."""

CODE_POINTS = 0x110000 - 0x800
"""Characters that there may be."""

_SIGNS = str.maketrans({" ": "␣", "\n": "↵", "\t": "⇥"})

_PIECE = re.compile(r" ?\w+| ?[^\w\s]+|\s")


def pieces(text: str) -> list[str]:
    """Words and runs of marks, each with the blank before it, and other white space by itself."""
    return _PIECE.findall(text)


def as_letters(text: str) -> str:
    """A text's UTF-8, each byte as the letter of its number."""
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


@dataclass(frozen=True, eq=False)
class Units:
    """Units with the numbers 1, 2, …, in order; of bytes and subwords each letter is a byte."""

    kind: Kind
    units: tuple[str, ...]
    merges: tuple[tuple[str, str], ...] = ()

    @classmethod
    def bytes(cls) -> "Units":
        """Of any text."""
        return cls("bytes", tuple(map(chr, range(256))))

    @classmethod
    def fit(cls, texts: Iterable[str], kind: Kind, fewest: int, most: int) -> "Units":
        """The characters or words that come `fewest` times, `most` of them, most frequent first;
        InputError where nothing comes so often.
        """
        counts = Counter[str]()
        for text in texts:
            counts.update(text if kind == "characters" else pieces(text))
        kept = [one for one, n in counts.items() if n >= fewest]
        if not kept:
            raise InputError(fewest=_("nothing comes so often in the training part; lower it"))
        return cls(kind, tuple(sorted(kept, key=lambda one: (-counts[one], one))[:most]))

    @property
    def size(self) -> int:
        """How many numbers there are, that of the unknown included."""
        return 1 + len(self.units)

    @property
    def letters_are_bytes(self) -> bool:
        """Whether units are made of bytes, so that nothing is unknown."""
        return self.kind in ("bytes", "subwords")

    def split(self, text: str) -> Sequence[str]:
        """The units of a text."""
        match self.kind:
            case "characters":
                return text
            case "words":
                return pieces(text)
            case "bytes":
                return as_letters(text)
            case "subwords":
                return [part for one in pieces(text) for part in self._merged(as_letters(one))]

    def encode(self, text: str) -> Numbers:
        """Numbers `[T]`."""
        if self.kind == "bytes":
            return np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8) + np.int64(1)
        if self.kind == "characters":
            return self._numbers_of_characters(text)
        known = self._numbers
        return np.array([known.get(one, UNKNOWN) for one in self.split(text)], np.int64)

    def in_one(self, texts: Iterable[str]) -> Numbers:
        """Numbers of texts one after the other, a line end between them, and before the first."""
        parts = [part for text in texts for part in (self.before, self.encode(text))]
        return np.concatenate(parts)

    @cached_property
    def before(self) -> Numbers:
        """What a text is read after, `[1]`: a line end or, where that is not known, the first."""
        end = self.encode("\n")[:1]
        return np.where(end == UNKNOWN, 1, end)

    def decode(self, numbers: Iterable[int]) -> str:
        """The text of these numbers; the unknown is a replacement character."""
        joined = "".join(self.written(number) for number in numbers)
        return _as_text(joined.encode("latin-1")) if self.letters_are_bytes else joined

    def written(self, number: int) -> str:
        """One unit; its letters may be bytes."""
        return self.units[number - 1] if number else "\ufffd"

    def joined(self, units: Sequence[str]) -> str:
        """The text of some of what `split` gave."""
        found = "".join(units)
        return _as_text(found.encode("latin-1")) if self.letters_are_bytes else found

    def shown(self, text: str) -> list[str]:
        """The units of a text as people see them: blanks and line ends have signs."""
        return [self._sign(unit) for unit in self.split(text)]

    def visible(self, number: int) -> str:
        """A unit as people see it."""
        return self._sign(self.written(number)) if number else "\ufffd"

    def _sign(self, unit: str) -> str:
        if self.letters_are_bytes:
            letters = unit.encode("latin-1")
            try:
                unit = letters.decode()
            except UnicodeDecodeError:  # part of a character
                return letters.hex(" ").upper()
        return unit.translate(_SIGNS)

    def spelling(self, text: str, numbers: Numbers) -> NDArray[np.float64]:
        """What each unit costs beside its number, in nats `[T]`: one that is unknown is spelled
        out, each of its characters as likely as any, and an end behind a word.
        """
        cost = np.zeros(len(numbers))
        unknown = np.flatnonzero(numbers == UNKNOWN)
        if len(unknown):
            split, end = self.split(text), int(self.kind == "words")
            lengths = np.array([len(split[i]) + end for i in unknown.tolist()])
            cost[unknown] = lengths * np.log(CODE_POINTS + end)
        return cost

    def _numbers_of_characters(self, text: str) -> Numbers:
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        places = np.minimum(np.searchsorted(self._points, points), len(self._points) - 1)
        return np.where(self._points[places] == points, self._places[places], UNKNOWN)

    @cached_property
    def _points(self) -> NDArray[np.uint32]:
        return np.sort(np.array([ord(one) for one in self.units], np.uint32))

    @cached_property
    def _places(self) -> Numbers:
        return np.array([self._numbers[chr(point)] for point in self._points], np.int64)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {one: i for i, one in enumerate(self.units, 1)}

    @cached_property
    def _merged(self) -> Merges:
        return Merges(self.merges)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "kind": self.kind,
            "units": self.units,
            "merges": [list(two) for two in self.merges],
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Units":
        """What `to_json` gave; InputError if it is anything else."""
        try:
            kind, units = content["kind"], tuple(map(str, content["units"]))
            merges = tuple((str(a), str(b)) for a, b in content["merges"])
            if kind not in get_args(Kind) or not units or len(set(units)) < len(units):
                problem = _("expected different units of a known kind, got {unit!r}")
                raise ValueError(problem.format(unit=kind))
            if kind in ("bytes", "characters") and max(map(len, units)) > 1:
                raise ValueError(_("expected single characters"))
            if kind == "bytes" and units != cls.bytes().units:
                raise ValueError(_("expected all bytes"))
            if kind == "subwords" and max("".join(units)) > "\xff":
                raise ValueError(_("expected bytes"))
            return cls(kind, units, merges)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                _("codec.json: not units of a text ({error})").format(error=error)
            ) from error


class Writing:
    """A text as its units come: `said` gives what can be shown of it so far, never half a
    character.
    """

    def __init__(self, units: Units) -> None:
        self._units = units
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def said(self, number: int) -> str:
        """What this unit adds."""
        one = self._units.written(number)
        if not self._units.letters_are_bytes:
            return one
        return self._decoder.decode(one.encode("latin-1"))

    def end(self) -> str:
        """What stands for a character that was begun."""
        return self._decoder.decode(b"", True)


def _as_text(written: bytes) -> str:
    return written.decode("utf-8", "replace")
