"""Prefix beam search: the likeliest texts of frames, with how likely a language finds them.

Of each text that is followed two numbers are kept: how likely the paths are that say it and end
with a blank, and how likely those that end with its last unit (Hannun et al. 2014,
arXiv:1408.2873, algorithm 1). Texts are ranked by

    log P(text | frames) + language(text)

where the language adds a score for each unit that follows, and one for the end.
"""

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gruta.codec.audio.ctc import BLANK, LogP, Numbers

LEAST = 1e-4
"""Units that a frame finds less likely than this are not tried there, but for its likeliest."""


class Language(Protocol):
    """How likely texts are, whatever was heard."""

    def begin(self) -> Any:
        """Where a text stands before its first unit."""

    def scores(self, place: Any) -> NDArray[np.float64]:
        """`[V]`: what a text gains by each unit next; by its end, at the blank's place."""

    def after(self, place: Any, unit: int) -> Any:
        """Where it stands after one more unit."""


class Silent:
    """A language that has nothing to say."""

    def __init__(self, size: int) -> None:
        self._none = np.zeros(size)

    def begin(self) -> None:
        """Anywhere is the same."""

    def scores(self, place: None) -> NDArray[np.float64]:
        """Nothing."""
        return self._none

    def after(self, place: None, unit: int) -> None:
        """The same."""


@dataclass(frozen=True, eq=False)
class Found:
    """A text `[U]`, its log-probability by the frames, and that with the language's score."""

    text: Numbers
    log_p: float
    score: float


class Beam:
    """Texts that are followed through frames as they come, `width` of them at most.

    least: how likely a frame has to find a unit for this to be tried there.
    """

    def __init__(self, language: Language, width: int, least: float = LEAST) -> None:
        self._language, self._width = language, width
        self._least = math.log(least) if least else -math.inf
        begin = _Text(None, BLANK, 0.0, language.begin())
        self._followed = [begin]
        begin.blank = 0.0

    def feed(self, log_p: LogP) -> None:
        """Some more frames `[T, V]`."""
        for row in log_p:
            self._step(row)

    def found(self, count: int = 1) -> list[Found]:
        """The best texts so far, as if they ended here, the best first."""
        texts = [one.found(self._scores(one)[BLANK]) for one in self._followed]
        return sorted(texts, key=lambda one: -one.score)[:count]

    def _step(self, row: NDArray[Any]) -> None:
        some = np.flatnonzero(row > self._least)
        tried = {BLANK, int(row.argmax()), *some.tolist()}
        values = {unit: float(row[unit]) for unit in tried}
        blank = values.pop(BLANK)
        met: dict[int, _Text] = {}
        for one in self._followed:
            both = _add(one.blank, one.unit)
            one.next_blank = _add(one.next_blank, both + blank)
            met[id(one)] = one
            again = float(row[one.number]) if one.number != BLANK else -math.inf
            one.next_unit = _add(one.next_unit, one.unit + again)
            gains: NDArray[np.float64] | None = None
            for unit, likely in values.items():
                ends = one.blank if unit == one.number else both
                if ends == -math.inf:
                    continue
                child = one.longer.get(unit)
                if child is None:
                    gains = self._scores(one) if gains is None else gains
                    gain = float(gains[unit])
                    if gain == -math.inf:
                        continue
                    child = one.longer[unit] = _Text(one, unit, one.language + gain, None)
                child.next_unit = _add(child.next_unit, ends + likely)
                met[id(child)] = child
        for one in met.values():
            one.advance()
        ranked = sorted(met.values(), key=_rank, reverse=True)
        self._followed = ranked[: self._width]
        for one in ranked[self._width :]:
            one.blank = one.unit = -math.inf

    def _scores(self, one: "_Text") -> NDArray[np.float64]:
        """What the language says of the units that may follow a text; asked once a text."""
        if one.scores is None:
            if one.before is not None:
                if one.before.place is None and one.before.before is not None:
                    self._scores(one.before)
                one.place = self._language.after(one.before.place, one.number)
            one.scores = self._language.scores(one.place)
        return one.scores


def search(
    log_p: LogP, language: Language, width: int, count: int = 1, least: float = LEAST
) -> list[Found]:
    """The best texts of frames `[T, V]`, the best first."""
    beam = Beam(language, width, least)
    beam.feed(log_p)
    return beam.found(count)


class _Text:
    """A text that is followed or was: its last unit, and the text before that.

    blank, unit: log-probabilities of the paths that end with a blank and with the last unit.
    """

    __slots__ = (
        "before",
        "blank",
        "language",
        "longer",
        "next_blank",
        "next_unit",
        "number",
        "place",
        "scores",
        "unit",
    )

    def __init__(self, before: "_Text | None", number: int, language: float, place: Any) -> None:
        self.before, self.number, self.language, self.place = before, number, language, place
        self.blank = self.unit = self.next_blank = self.next_unit = -math.inf
        self.longer: dict[int, _Text] = {}
        self.scores: NDArray[np.float64] | None = None

    def advance(self) -> None:
        """To the next frame."""
        self.blank, self.unit = self.next_blank, self.next_unit
        self.next_blank = self.next_unit = -math.inf

    def found(self, end: float) -> Found:
        """The whole text; end: what its end gains."""
        numbers, one = list[int](), self
        while one.before is not None:
            numbers.append(one.number)
            one = one.before
        log_p = _add(self.blank, self.unit)
        text = np.array(numbers[::-1], np.int64)
        return Found(text, log_p, log_p + self.language + end)


def _rank(one: _Text) -> float:
    return _add(one.blank, one.unit) + one.language


def _add(a: float, b: float) -> float:
    """log(e^a + e^b)."""
    if a < b:
        a, b = b, a
    return a if b == -math.inf else a + math.log1p(math.exp(b - a))
