"""Prefix beam search: the likeliest texts of frames, with how likely a language finds them.

Of each text that is followed two numbers are kept: how likely the paths are that say it and end
with a blank, and how likely those that end with its last unit (Hannun et al. 2014,
arXiv:1408.2873, algorithm 1). Texts are ranked by

    log P(text | frames) + language(text)

where the language adds a score for each unit that follows, and one for the end.
"""

import math
from collections.abc import Sequence
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
        begin.next_blank, begin.next_both, begin.followed = 0.0, 0.0, True
        begin.advance()
        self._followed = [begin]

    def feed(self, log_p: LogP) -> None:
        """Some more frames `[T, V]`."""
        for row in log_p:
            self._step(row)

    def found(self, count: int = 1) -> list[Found]:
        """The best texts so far, as if they ended here, the best first."""
        ends = [(float(self._scores(one)[BLANK]), one) for one in self._followed]
        ends.sort(key=lambda each: -(each[1].score + each[0]))
        return [one.found(end) for end, one in ends[:count]]

    def _step(self, row: NDArray[Any]) -> None:
        likely = row.tolist()
        for one in self._followed:
            one.hear(likely[BLANK], likely[one.number])
        tried = {int(row.argmax()), *np.flatnonzero(row > self._least).tolist()} - {BLANK}
        new = self._longer(sorted(((likely[unit], unit) for unit in tried), reverse=True))
        met = [*self._followed, *new]
        for one in met:
            one.advance()
        met.sort(key=_score, reverse=True)
        self._followed = met[: self._width]
        for one in met[self._width :]:
            one.drop()

    def _longer(self, tried: Sequence[tuple[float, int]]) -> "list[_Text]":
        """Texts that are not followed yet, of those that are and one unit more, the likeliest
        units first. One that would stand below all that are followed already is not even made.
        """
        bar = -math.inf
        if len(self._followed) == self._width:
            bar = min(map(_next_score, self._followed))
        new: list[_Text] = []
        for one in self._followed if tried else ():
            scores, bonus = self._scores(one), one.bonus
            room = bar - one.both - one.language
            for likely, unit in tried:
                if likely + bonus < room:
                    break
                child = one.longer.get(unit)
                if child is not None and child.followed:
                    continue
                log_p = likely + (one.blank if unit == one.number else one.both)
                language = one.language + float(scores[unit])
                if log_p + language < bar or log_p + language == -math.inf:
                    continue
                if child is None:
                    child = one.longer[unit] = _Text(one, unit, language, None)
                child.next_unit, child.next_both, child.followed = log_p, log_p, True
                new.append(child)
        return new

    def _scores(self, one: "_Text") -> NDArray[np.float64]:
        """What the language says of the units that may follow a text; asked once a text."""
        if one.scores is None:
            if one.before is not None:
                if one.before.place is None and one.before.before is not None:
                    self._scores(one.before)
                one.place = self._language.after(one.before.place, one.number)
            one.scores = self._language.scores(one.place)
            one.bonus = float(one.scores[1:].max(initial=-math.inf))
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

    blank, unit: log-probabilities of the paths that end with a blank and with the last unit; both,
    of either. score: with what the language has to say. bonus: what that says of a unit more, at
    most.
    """

    __slots__ = (
        "before",
        "blank",
        "bonus",
        "both",
        "followed",
        "language",
        "longer",
        "next_blank",
        "next_both",
        "next_unit",
        "number",
        "place",
        "score",
        "scores",
        "unit",
    )

    def __init__(self, before: "_Text | None", number: int, language: float, place: Any) -> None:
        self.before, self.number, self.language, self.place = before, number, language, place
        self.blank = self.unit = self.both = self.score = -math.inf
        self.next_blank = self.next_unit = self.next_both = self.bonus = -math.inf
        self.longer: dict[int, _Text] = {}
        self.scores: NDArray[np.float64] | None = None
        self.followed = False

    def hear(self, blank: float, unit: float) -> None:
        """What the next frame makes of all paths that end here, by the blank and the last unit."""
        self.next_blank = self.both + blank
        before = self.before
        if before is not None:
            ends = before.blank if before.number == self.number else before.both
            self.next_unit = _add(self.unit, ends) + unit
        self.next_both = _add(self.next_blank, self.next_unit)

    def advance(self) -> None:
        """To the next frame."""
        self.blank, self.unit, self.both = self.next_blank, self.next_unit, self.next_both
        self.score = self.both + self.language
        self.next_blank = self.next_unit = -math.inf

    def drop(self) -> None:
        """Follow it no more."""
        self.blank = self.unit = self.both = self.score = -math.inf
        self.followed = False

    def found(self, end: float) -> Found:
        """The whole text; end: what its end gains."""
        numbers, one = list[int](), self
        while one.before is not None:
            numbers.append(one.number)
            one = one.before
        return Found(np.array(numbers[::-1], np.int64), self.both, self.score + end)


def _score(one: _Text) -> float:
    return one.score


def _next_score(one: _Text) -> float:
    return one.next_both + one.language


def _add(a: float, b: float) -> float:
    """log(e^a + e^b)."""
    if a < b:
        a, b = b, a
    return a if b == -math.inf else a + math.log1p(math.exp(b - a))
