"""Recordings that nobody made: a tone for each letter, about as many a second as speech has."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gruta.codec.audio.mel import Samples
from gruta.data.audio.recordings import Recordings, Utterance

RATE = 16_000
LETTERS = "abcdefghijk"
LOWEST, STEP = 200.0, 1.28
"""Hertz of the first letter's tone, and by how much each is above the one before."""

SHORTEST, LONGEST = 0.05, 0.1
"""Seconds of a letter."""

PAUSE = 0.8
"""Seconds of quiet between sentences: more than ends a piece."""


def sentence(seconds: float, draw: np.random.Generator) -> tuple[Samples, str]:
    """`[N]` of about so long, and what it says: words of one letter and more, single blanks."""
    parts, text, count = [], "", 0
    while count < seconds * RATE:
        own = int(draw.uniform(SHORTEST, LONGEST) * RATE)
        k = int(draw.integers(len(LETTERS) + 1))
        if k == len(LETTERS) and text and text[-1] != " ":
            tone, letter = np.zeros(own), " "
        else:
            letter = LETTERS[k % len(LETTERS)]
            hertz = LOWEST * STEP ** (k % len(LETTERS))
            tone = 0.3 * np.hanning(own) * np.sin(2 * np.pi * hertz * np.arange(own) / RATE)
        parts.append(tone)
        text += letter
        count += own
    return _with_noise(np.concatenate(parts), draw), text.strip()


def recordings(count: int, shortest: float, longest: float, seed: int = 0) -> Recordings:
    """So many sentences, of so many seconds."""
    draw = np.random.default_rng(seed)
    found = []
    for i in range(count):
        samples, text = sentence(draw.uniform(shortest, longest), draw)
        found.append(Utterance(f"{i}", samples, text, rate=RATE))
    return Recordings("sound", tuple(found), f"{count} recordings")


def speech(seconds: float, seed: int = 0) -> Iterator[tuple[Samples, str]]:
    """Sentences of 1 to 4 s with pauses behind them, one after the other, for at least so long."""
    draw, made = np.random.default_rng(seed), 0
    while made < seconds * RATE:
        samples, text = sentence(draw.uniform(1, 4), draw)
        quiet = _with_noise(np.zeros(int(PAUSE * RATE)), draw)
        made += len(samples) + len(quiet)
        yield np.concatenate((samples, quiet)), text


def _with_noise(x: NDArray[np.float64], draw: np.random.Generator) -> Samples:
    return (x + 1e-3 * draw.standard_normal(len(x))).astype(np.float32)
