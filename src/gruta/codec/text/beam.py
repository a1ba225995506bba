"""Beam search: the likeliest texts that a network can write, of several sources at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Beam:
    """How many texts are followed, and how those of other lengths are compared.

    A text's score is its log-probability, divided by ((5 + n) / 6) to the power of `length`, n its
    units, and to it is added `coverage` times the sum over the source of log(min(attention, 1)),
    attention what a unit of the source got in all (Wu et al. 2016, arXiv:1609.08144, eq. 14).
    """

    width: int = 5
    length: float = 0.6
    coverage: float = 0.0

    def score(self, log_p: Any, count: Any, attended: Any, inside: Any) -> Any:
        """Of log-probabilities `[...]` of n units; attended: `[..., S]` by source's unit."""
        found = log_p / ((5 + count) / 6) ** self.length
        if self.coverage:
            logs = np.log(np.clip(attended, 1e-4, 1.0))
            found = found + self.coverage * np.where(inside, logs, 0.0).sum(-1)
        return found


@dataclass(frozen=True, eq=False)
class Written:
    """A text: numbers `[T]` without the end, score, and what each unit attended to `[T, S]`."""

    numbers: Numbers
    score: float
    attention: Array


class Writer(Protocol):
    """A network that writes, with a row for each text that is followed."""

    def step(self, numbers: Numbers) -> tuple[Array, Array]:
        """Logits `[R, V]` of what follows numbers `[R]`, and the attention `[R, S]`."""

    def keep(self, sources: Numbers, rows: Numbers) -> None:
        """Go on with these sources alone, each with as many of these rows, in its order; a row may
        come several times.
        """


@dataclass
class _Source:
    """One of the sources, while its texts are written."""

    found: list[tuple[float, int, int]] = field(default_factory=list)
    """Of those that ended: score, step, and row of the one before the end."""


def search(
    writer: Writer,
    inside: NDArray[np.bool_],
    most: Numbers,
    how: Beam,
    *,
    end: int,
    never: Sequence[int],
) -> list[list[Written]]:
    """For each of B sources up to `width` texts, the best first.

    writer: begins with a row for each source. inside: `[B, S]`, where the sources are. most: `[B]`,
    units that a text may have. never: numbers that are not written.
    """
    (B, S), K = inside.shape, how.width
    sources = [_Source() for _one in range(B)]
    history: list[tuple[Numbers, Numbers, Array]] = []  # of each step: unit, row before, attention
    alive, width = np.arange(B), 1  # sources that are written still, and rows of each
    log_p = np.zeros((B, 1), np.float32)
    attended = np.zeros((B, 1, inside.shape[1]), np.float32)
    last = np.full(B, end)
    t = 0
    while len(alive):
        logits, attention = writer.step(last)
        V = logits.shape[1]
        logits[:, list(never)] = -np.inf
        logs = _log_softmax(logits).reshape(len(alive), width, V)
        over = t >= most[alive]
        if over.any():  # these end here
            keep = logs[over][:, :, end].copy()
            logs[over] = -np.inf
            logs[over, :, end] = keep
        total = log_p[:, :, None] + logs
        attention = attention.reshape(len(alive), width, S)
        seen = attended + attention
        best = _largest(total.reshape(len(alive), -1), 2 * K)
        rows, units = best // V, best % V
        values = np.take_along_axis(total.reshape(len(alive), -1), best, 1)
        chosen = np.zeros((len(alive), K), np.int64)
        for i, b in enumerate(alive):
            going = []
            for j in range(best.shape[1]):
                if not np.isfinite(values[i, j]):
                    continue
                row = int(rows[i, j])
                if units[i, j] != end:
                    going.append(j)
                elif j < K:
                    score = how.score(values[i, j], t + 1, attended[i, row], inside[b])
                    sources[b].found.append((float(score), t, i * width + row))
            going = going[:K]
            chosen[i, : len(going)] = going
            if len(going) < K:
                chosen[i, len(going) :] = -1
        done = np.array([len(sources[b].found) >= K for b in alive]) | over | (chosen < 0).all(1)
        left = np.flatnonzero(~done)
        picked = chosen[left]
        safe = np.maximum(picked, 0)
        before = np.take_along_axis(rows[left], safe, 1)
        flat = (left[:, None] * width + before).ravel()
        reached = np.take_along_axis(values[left], safe, 1)
        log_p = np.where(picked < 0, np.float32(-np.inf), reached)
        last = np.take_along_axis(units[left], safe, 1).ravel()
        attended = seen.reshape(-1, seen.shape[-1])[flat].reshape(len(left), K, S)
        history.append((last, flat, attention.reshape(-1, attention.shape[-1])[flat]))
        writer.keep(left, flat)
        alive, width, t = alive[left], K, t + 1
    return [_told(one, history, inside[b], K) for b, one in enumerate(sources)]


def _told(
    source: _Source,
    history: list[tuple[Numbers, Numbers, Array]],
    inside: NDArray[np.bool_],
    most: int,
) -> list[Written]:
    texts = []
    for score, t, row in sorted(source.found, key=lambda one: -one[0])[:most]:
        numbers, attention = [], []
        for step in range(t - 1, -1, -1):
            units, before, seen = history[step]
            numbers.append(int(units[row]))
            attention.append(seen[row][inside])
            row = int(before[row])
        maps = np.array(attention[::-1], np.float32).reshape(len(numbers), int(inside.sum()))
        texts.append(Written(np.array(numbers[::-1], np.int64), score, maps))
    return texts


def _largest(values: NDArray[Any], count: int) -> Numbers:
    """Places of the largest of each row, the largest first, the first of equal ones first."""
    count = min(count, values.shape[1])
    found = np.argpartition(-values, count - 1, axis=1)[:, :count]
    found.sort(axis=1)
    order = np.argsort(-np.take_along_axis(values, found, 1), axis=1, kind="stable")
    return np.take_along_axis(found, order, 1).astype(np.int64)


def _log_softmax(logits: Array) -> Array:
    shifted = logits - logits.max(1, keepdims=True)
    found: Array = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return found
