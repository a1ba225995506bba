"""Connectionist temporal classification: a text of U units heard in T frames, T no smaller than U.

Each frame says a unit or the blank, number 0. What a path of frames says is read by taking runs of
one number as one, then leaving out blanks; a text is as likely as all paths that say it together
(Graves et al. 2006, "Connectionist Temporal Classification", equations 2 to 8).

Log-probabilities are `[T, V]`, each frame's of all numbers. Everything is computed in float64.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.locale import translate as _

Numbers = NDArray[np.int64]
LogP = NDArray[Any]

BLANK = 0


def frames_needed(text: Numbers) -> int:
    """The fewest frames that can say a text `[U]`: one a unit, and a blank between two alike."""
    return len(text) + int((text[1:] == text[:-1]).sum())


def log_softmax(scores: LogP) -> NDArray[np.float64]:
    """Log-probabilities `[…, V]` from scores that are not normalised."""
    x = scores.astype(np.float64)
    x -= x.max(-1, keepdims=True)
    found: NDArray[np.float64] = x - np.log(np.exp(x).sum(-1, keepdims=True))
    return found


def said(path: Numbers) -> Numbers:
    """The text that a path `[T]` says."""
    first = np.append(True, path[1:] != path[:-1])[: len(path)]
    found: Numbers = path[first & (path != BLANK)]
    return found


def greedy(scores: LogP) -> Numbers:
    """What the likeliest path says, which need not be the likeliest text; any scores `[T, V]`."""
    return said(scores.argmax(-1))


def nats(log_p: LogP, text: Numbers) -> float:
    """-log of the probability of a text `[U]`, the sum over all its paths; infinite where it has
    none.
    """
    if not len(log_p):
        return 0.0 if not len(text) else np.inf
    states, skips = _states(text)
    own = log_p[:, states].astype(np.float64)
    alpha = np.full(len(states), -np.inf)
    alpha[:2] = own[0, :2]
    for row in own[1:]:
        alpha = _reached(alpha, skips, np.logaddexp) + row
    return float(-np.logaddexp.reduce(alpha[-2:]))


@dataclass(frozen=True, eq=False)
class Alignment:
    """Which frames say which unit of a text, by the likeliest path.

    text `[U]`; first, last: the frames with which each unit begins and ends `[U]`. sure: how likely
    each is at its likeliest frame, 0 to 1 `[U]`. log_p: of the path.
    """

    text: Numbers
    first: Numbers
    last: Numbers
    sure: NDArray[np.float64]
    log_p: float


def align(log_p: LogP, text: Numbers) -> Alignment:
    """The likeliest path that says a text `[U]` (Viterbi 1967); ValueError where none does."""
    if frames_needed(text) > len(log_p):
        problem = _("{units} units do not fit into {frames} frames")
        raise ValueError(problem.format(units=len(text), frames=len(log_p)))
    none = np.zeros(0, np.int64)
    if not len(log_p):
        return Alignment(text, none, none, np.zeros(0), 0.0)
    states, skips = _states(text)
    own = log_p[:, states].astype(np.float64)
    best = np.full(len(states), -np.inf)
    best[:2] = own[0, :2]
    steps = np.zeros(own.shape, np.int8)  # how many states back each came from
    for t, row in enumerate(own[1:], 1):
        ways = np.stack((best, _moved(best, 1), np.where(skips, _moved(best, 2), -np.inf)))
        steps[t] = ways.argmax(0)
        best = ways.max(0) + row
    at = len(states) - 1
    if len(states) > 1 and best[-2] > best[-1]:
        at -= 1
    found = float(best[at])
    path = np.empty(len(own), np.int64)
    for t in range(len(own) - 1, -1, -1):
        path[t] = at
        at -= int(steps[t, at])  # of 8 bits, which a place may not fit into
    units = 2 * np.arange(len(text)) + 1
    first = np.searchsorted(path, units)
    last = np.searchsorted(path, units, "right") - 1
    sure = [own[a : b + 1, u].max() for a, b, u in zip(first, last, units, strict=True)]
    return Alignment(text, first, last, np.exp(np.array(sure, np.float64)), found)


@dataclass(frozen=True)
class Heard:
    """A word, the frames with which it begins and behind which it ends, and how sure it is: the
    geometric mean over its units of how likely each is at its likeliest frame.
    """

    word: str
    begin: int
    end: int
    sure: float


def words(alignment: Alignment, letters: Sequence[str]) -> list[Heard]:
    """The words of an aligned text. letters `[U]`: its units for people; blanks part words."""
    found: list[Heard] = []
    units: list[int] = []
    for i, letter in enumerate([*letters, " "]):
        if letter != " ":
            units.append(i)
        elif units:
            sure = np.exp(np.log(np.maximum(alignment.sure[units], 1e-30)).mean())
            begin, end = int(alignment.first[units[0]]), int(alignment.last[units[-1]]) + 1
            found.append(Heard("".join(letters[k] for k in units), begin, end, float(sure)))
            units = []
    return found


def _states(text: Numbers) -> tuple[Numbers, NDArray[np.bool_]]:
    """A blank around each unit `[2U + 1]`, and which of them may follow the one before the last:
    units that are not the unit before.
    """
    states = np.full(2 * len(text) + 1, BLANK)
    states[1::2] = text
    skips = np.zeros(len(states), bool)
    skips[3::2] = text[1:] != text[:-1]
    return states, skips


def _moved(values: NDArray[np.float64], by: int) -> NDArray[np.float64]:
    found = np.full_like(values, -np.inf)
    found[by:] = values[: len(values) - by]
    return found


def _reached(alpha: NDArray[np.float64], skips: NDArray[np.bool_], add: Any) -> Any:
    """What comes to each state from itself, the one before, and the one before that."""
    with np.errstate(invalid="ignore"):
        near = add(alpha, _moved(alpha, 1))
        return add(near, np.where(skips, _moved(alpha, 2), -np.inf))
