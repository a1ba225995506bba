"""Text as it is made: drawn unit by unit, shown grapheme by grapheme."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from gruta.codec.text.graphemes import Shown
from gruta.codec.text.sampling import Sampling
from gruta.codec.text.units import UNKNOWN, Units, Writing
from gruta.codec.text.whole import require_whole
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.tasks.generate.head import GenerateHead

_AHEAD = 16
"""Units that are drawn at once: some more than are shown, where a text ends before."""

MOST = 2**24
"""Scores of a step, at most, of all texts that are made side by side."""


def generated(
    head: GenerateHead,
    units: Units,
    prompt: str,
    how: Sampling,
    *,
    count: int = 1,
    seed: int = 0,
) -> Iterator[NDArray[np.int64]]:
    """Without end: the next unit `[count]` of each of so many texts that go on from a prompt."""
    require_whole(prompt, "prompt")
    if count * units.size > MOST:
        most = number(MOST // units.size)
        raise InputError(count=_("expected at most {most} texts at once").format(most=most))
    draw = np.random.default_rng(seed)
    numbers = units.encode(prompt)
    read = np.concatenate([units.before, numbers])
    said = places = None
    if how.repetition_penalty != 1:
        said = np.zeros((count, units.size), bool)
        said[:, numbers] = True
    if head.mixture is not None:
        places = np.tile(head.mixture.ngram.after(read), (count, 1))
    logits, state = head.read(read)
    state = [tuple(np.repeat(part, count, 0) for part in own) for own in state]
    logits = np.repeat(logits, count, 0)
    logits[:, UNKNOWN] = -np.inf
    while True:
        uniform = draw.random((_AHEAD, count))
        yield from head.model.write(state, logits, uniform, how, said, places)


class Text:
    """One that grows: `add` a unit, and it says what can be shown of it by now.

    It ends before the first of `stops`; nothing that may begin one is shown.
    """

    def __init__(self, units: Units, stops: Sequence[str] = ()) -> None:
        self._writing, self._shown = Writing(units), Shown()
        self._stops = [stop for stop in stops if stop]
        self._held = ""
        self.over = False

    def add(self, number: int) -> str:
        """What this unit makes sure of."""
        return self._grown(self._writing.said(number))

    def end(self) -> str:
        """What is left to show."""
        if self.over:
            return self._shown.end()
        held = self._grown(self._writing.end())
        held += self._shown.add(self._held)
        return held + self._shown.end()

    def _grown(self, piece: str) -> str:
        if self.over:
            return ""
        self._held += piece
        at = min((k for k in map(self._held.find, self._stops) if k >= 0), default=-1)
        self.over = at >= 0
        sure = at if self.over else len(self._held) - self._begun()
        found, self._held = self._held[:sure], self._held[sure:]
        return self._shown.add(found)

    def _begun(self) -> int:
        """Characters at the end that a stop may begin with."""
        held = self._held
        parts = (
            n
            for stop in self._stops
            for n in range(min(len(stop), len(held)), 0, -1)
            if held.endswith(stop[:n])
        )
        return max(parts, default=0)


def spoken(
    head: GenerateHead,
    units: Units,
    prompt: str,
    how: Sampling,
    *,
    length: int,
    seed: int = 0,
    stops: Sequence[str] = (),
) -> Iterator[str]:
    """What follows a prompt, in pieces as they are made: so many units, or up to a stop."""
    text = Text(units, stops)
    numbers = generated(head, units, prompt, how, seed=seed)
    for _step in range(length):
        yield text.add(int(next(numbers)[0]))
        if text.over:
            break
    yield text.end()


def written(
    head: GenerateHead,
    units: Units,
    prompt: str,
    how: Sampling,
    *,
    length: int,
    count: int = 1,
    seed: int = 0,
    stops: Sequence[str] = (),
) -> list[str]:
    """So many texts that follow a prompt, made side by side."""
    texts = [Text(units, stops) for _ in range(count)]
    parts: list[list[str]] = [[] for _ in texts]
    numbers = generated(head, units, prompt, how, count=count, seed=seed)
    for _step in range(length):
        for text, own, one in zip(texts, parts, next(numbers), strict=True):
            own.append(text.add(int(one)))
        if all(text.over for text in texts):
            break
    return ["".join([*own, text.end()]) for text, own in zip(texts, parts, strict=True)]
