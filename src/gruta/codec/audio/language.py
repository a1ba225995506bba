"""What stands beside a recogniser: how often characters, or words, follow one another.

Both kinds count texts in units from 1 on, behind each of which stands a 0, its end.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from gruta.codec.audio.ctc import Numbers
from gruta.codec.text.ngram import NGram, best
from gruta.locale import translate as _

END = 0
UNKNOWN = 1
"""The number of all words that training has not seen; those that it has begin behind it."""

Word = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Characters:
    """Of N units that follow one another; a text gains weight · log P of each, and bonus."""

    ngram: NGram
    weight: float = 1.0
    bonus: float = 0.0

    @classmethod
    def count(cls, texts: Sequence[Numbers], held_out: Sequence[Numbers], size: int) -> Self:
        """In texts `[U]` of numbers below `size`, in runs as long as `held_out` is likeliest."""
        return cls(best(ended(texts), size, ended(held_out)))

    @property
    def parameters(self) -> int:
        """How many numbers it keeps."""
        return self.ngram.parameters

    def weighed(self, weight: float, bonus: float) -> Self:
        """With these."""
        return replace(self, weight=weight, bonus=bonus)

    def counted(self, text: Numbers) -> tuple[float, int]:
        """log P of a text `[U]`, and how many units gain the bonus."""
        return -self.ngram.nats([np.append(text, END)]), len(text)

    def begin(self) -> Numbers:
        """Behind the marks before a text."""
        return self.ngram.after(np.zeros(0, np.int64))

    def scores(self, place: Numbers) -> NDArray[np.float64]:
        """Of each unit, and of the end."""
        found: NDArray[np.float64] = self.weight * log_next(self.ngram, place)
        found[END + 1 :] += self.bonus
        return found

    def after(self, place: Numbers, unit: int) -> Numbers:
        """One unit further."""
        return moved(self.ngram, place, unit)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What `from_arrays` makes it of again."""
        return _prefixed("letters", self.ngram.to_arrays()) | _weights(self)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], size: int) -> Self:
        """What `to_arrays` gave; KeyError or ValueError if it is anything else."""
        return cls(NGram.from_arrays(_under("letters", arrays), size), *_weights_of(arrays))


class Spelling(NamedTuple):
    """Where a text stands: among characters and among words, log P of what may come there, and what
    of a word is spelled so far, with its log P.
    """

    letters: Numbers
    log_letters: NDArray[np.float64]
    words: Numbers
    log_words: NDArray[np.float64]
    spelled: Word = ()
    log_p: float = 0.0


@dataclass(frozen=True, eq=False)
class Words:
    """Of words that follow one another, those between two numbers `space`; a text gains weight ·
    log P of each, and bonus.

    While a word is spelled its characters stand for it; once it ends, what they gained is taken
    back for what the word gains. One that was never seen keeps what its characters gained.
    """

    letters: NGram
    ngram: NGram
    known: tuple[Word, ...]
    space: int
    weight: float = 1.0
    bonus: float = 0.0

    @classmethod
    def count(
        cls, texts: Sequence[Numbers], held_out: Sequence[Numbers], size: int, space: int
    ) -> Self:
        """In texts `[U]`, likewise."""
        known = sorted({word for text in texts for word in split(text, space)})
        numbers = {word: k for k, word in enumerate(known, UNKNOWN + 1)}

        def of_words(some: Sequence[Numbers]) -> list[Numbers]:
            found = ([numbers.get(w, UNKNOWN) for w in split(text, space)] for text in some)
            return ended([np.array(one, np.int64) for one in found])

        ngram = best(of_words(texts), len(known) + 2, of_words(held_out))
        return cls(best(ended(texts), size, ended(held_out)), ngram, tuple(known), space)

    @property
    def parameters(self) -> int:
        """How many numbers it keeps."""
        return self.letters.parameters + self.ngram.parameters

    def weighed(self, weight: float, bonus: float) -> Self:
        """With these."""
        return replace(self, weight=weight, bonus=bonus)

    def counted(self, text: Numbers) -> tuple[float, int]:
        """log P of a text `[U]`, and how many words gain the bonus."""
        one = self.weighed(1.0, 0.0)
        place, found = one.begin(), 0.0
        for unit in text.tolist():
            found += float(one.scores(place)[unit])
            place = one.after(place, unit)
        return found + float(one.scores(place)[END]), len(split(text, self.space))

    def begin(self) -> Spelling:
        """Before the first word."""
        none = np.zeros(0, np.int64)
        letters, words = self.letters.after(none), self.ngram.after(none)
        logs = log_next(self.letters, letters), log_next(self.ngram, words)
        return Spelling(letters, logs[0], words, logs[1])

    def scores(self, place: Spelling) -> NDArray[np.float64]:
        """Of each unit, and of the end."""
        letters = place.log_letters
        found: NDArray[np.float64] = self.weight * letters
        if not place.spelled:
            found[self.space] = -np.inf
            found[END] = self.weight * place.log_words[END]
            return found
        known = place.spelled in self._numbers
        word = self._numbers.get(place.spelled, UNKNOWN)
        gained = float(place.log_words[word])
        for unit, own in ((self.space, gained), (END, gained + self._log_end(place.words, word))):
            said = own - place.log_p if known else own + float(letters[unit])
            found[unit] = self.weight * said + self.bonus
        return found

    def after(self, place: Spelling, unit: int) -> Spelling:
        """One unit further."""
        letters = moved(self.letters, place.letters, unit)
        logs = log_next(self.letters, letters)
        if unit != self.space:
            spelled, log_p = (*place.spelled, unit), place.log_p + float(place.log_letters[unit])
            return Spelling(letters, logs, place.words, place.log_words, spelled, log_p)
        words = moved(self.ngram, place.words, self._numbers.get(place.spelled, UNKNOWN))
        return Spelling(letters, logs, words, log_next(self.ngram, words))

    def _log_end(self, place: Numbers, word: int) -> float:
        """log P that a text ends behind a word."""
        key = (*place.tolist(), word)
        if key not in self._ends:
            self._ends[key] = float(log_next(self.ngram, moved(self.ngram, place, word))[END])
        return self._ends[key]

    @cached_property
    def _ends(self) -> dict[Word, float]:
        return {}

    @cached_property
    def _numbers(self) -> dict[Word, int]:
        return {word: k for k, word in enumerate(self.known, UNKNOWN + 1)}

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What `from_arrays` makes it of again."""
        lengths = np.array([len(word) for word in self.known], np.int64)
        known = np.array([unit for word in self.known for unit in word], np.int64)
        found = _prefixed("letters", self.letters.to_arrays())
        found |= _prefixed("words", self.ngram.to_arrays()) | _weights(self)
        return found | {"known": known, "lengths": lengths, "space": np.array([self.space])}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], size: int) -> Self:
        """What `to_arrays` gave; KeyError or ValueError if it is anything else."""
        units, ends = arrays["known"].tolist(), np.cumsum(arrays["lengths"]).tolist()
        known = tuple(tuple(units[a:b]) for a, b in zip([0, *ends], ends, strict=False))
        (space,) = arrays["space"].tolist()
        if not 0 < space < size or len(units) != (ends[-1] if ends else 0):
            raise ValueError(_("the words of an n-gram model do not fit together"))
        letters = NGram.from_arrays(_under("letters", arrays), size)
        ngram = NGram.from_arrays(_under("words", arrays), len(known) + 2)
        return cls(letters, ngram, known, space, *_weights_of(arrays))


Counted = Characters | Words


def from_arrays(arrays: Mapping[str, NDArray[Any]], size: int) -> Counted:
    """Whichever it was; KeyError or ValueError if it was neither."""
    kind = Words if "space" in arrays else Characters
    return kind.from_arrays(arrays, size)


def split(text: Numbers, space: int) -> list[Word]:
    """The words of a text."""
    found: list[Word] = []
    word: list[int] = []
    for unit in [*text.tolist(), space]:
        if unit != space:
            word.append(unit)
        elif word:
            found.append(tuple(word))
            word = []
    return found


def ended(texts: Sequence[Numbers]) -> list[Numbers]:
    """Each with its end."""
    return [np.append(text, END) for text in texts]


def log_next(ngram: NGram, place: Numbers) -> NDArray[np.float64]:
    """log P of each unit that may come where a text stands."""
    with np.errstate(divide="ignore"):
        found: NDArray[np.float64] = np.log(ngram.next(place[None])[0])
    return found


def moved(ngram: NGram, place: Numbers, unit: int) -> Numbers:
    """Where it stands then."""
    found: Numbers = ngram.moved(place[None], np.array([unit]))[0]
    return found


def _prefixed(name: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {f"{name}/{key}": value for key, value in arrays.items()}


def _under(name: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    place = f"{name}/"
    return {k.removeprefix(place): v for k, v in arrays.items() if k.startswith(place)}


def _weights(one: Any) -> dict[str, NDArray[Any]]:
    return {"weights": np.array([one.weight, one.bonus])}


def _weights_of(arrays: Mapping[str, NDArray[Any]]) -> tuple[float, float]:
    weight, bonus = arrays["weights"].tolist()
    if not (np.isfinite(bonus) and 0 <= weight < np.inf):
        raise ValueError(_("the weights of an n-gram model must be numbers"))
    return weight, bonus
