"""Beam search: the likeliest texts that a network can write, of several sources at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

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


def search(
    writer: Writer,
    inside: NDArray[np.bool_],
    most: Numbers,
    how: Beam,
    *,
    end: int,
    never: Sequence[int],
    begin: Numbers | None = None,
) -> list[list[Written]]:
    """For each of B sources up to `width` texts, the best first.

    writer: begins with a row for each source. inside: `[B, S]`, where the sources are. most: `[B]`,
    units that a text may have. never: numbers that are not written. begin: `[B]`, what stands
    before each text, the end where it is not said.
    """
    found = _Search(writer, inside, most, how, end, list(never))
    if begin is not None:
        found.begin(begin)
    while len(found.alive):
        found.step()
    return [found.texts(b) for b in range(len(inside))]


class _Search:
    """Texts of several sources under way, those of a source behind each other.

    alive: the sources that are not done. last, log_p, attended: of each text its newest unit, its
    log-probability, and what each unit of the source got so far.
    """

    def __init__(
        self,
        writer: Writer,
        inside: NDArray[np.bool_],
        most: Numbers,
        how: Beam,
        end: int,
        never: list[int],
    ) -> None:
        self._writer, self._inside, self._most, self._how = writer, inside, most, how
        self._end, self._never = end, never
        (B, self._S), self._width = inside.shape, 1
        self.alive = np.arange(B)
        self._last = np.full(B, end)
        self._log_p = np.zeros((B, 1), np.float32)
        self._attended = np.zeros((B, 1, self._S), np.float32)
        self._steps: list[_Step] = []
        self._ended: list[list[tuple[float, int, int]]] = [[] for _one in range(B)]

    def begin(self, numbers: Numbers) -> None:
        """Let these stand before the texts."""
        self._last = np.array(numbers, np.int64)

    def step(self) -> None:
        """A unit more for each text; those that end are put aside, and sources that are done."""
        n, K = len(self.alive), self._how.width
        logits, attention = self._writer.step(self._last)
        total = self._log_p[:, :, None] + self._logs(logits)
        attention = attention.reshape(n, self._width, self._S)
        best = _largest(total.reshape(n, -1), 2 * K)
        values = np.take_along_axis(total.reshape(n, -1), best, 1)
        rows, units = np.divmod(best, logits.shape[1])
        going = self._sorted_out(rows, units, values)
        seen = self._attended + attention
        left = np.flatnonzero(~self._are_done(going, rows, values, seen))
        going = going[left]
        at = np.maximum(going, 0)  # a place without a text has one that counts nothing
        reached = np.take_along_axis(values[left], at, 1)
        flat = (left[:, None] * self._width + np.take_along_axis(rows[left], at, 1)).ravel()
        self._log_p = np.where(going < 0, np.float32(-np.inf), reached)
        self._last = np.take_along_axis(units[left], at, 1).ravel()
        self._attended = seen.reshape(-1, self._S)[flat].reshape(len(left), K, self._S)
        self._steps.append(_Step(self._last, flat, attention.reshape(-1, self._S)[flat]))
        self._writer.keep(left, flat)
        self.alive, self._width = self.alive[left], K

    def _logs(self, logits: Array) -> Array:
        """Log-probabilities `[n, width, V]`; the end alone where a text may not be longer."""
        logits[:, self._never] = -np.inf
        logs = _log_softmax(logits).reshape(len(self.alive), self._width, -1)
        over = len(self._steps) >= self._most[self.alive]
        if over.any():
            last = logs[over, :, self._end]
            logs[over] = -np.inf
            logs[over, :, self._end] = last
        return logs

    def _sorted_out(self, rows: Numbers, units: Numbers, values: Array) -> Numbers:
        """Which of the best go on `[n, K]`, −1 for none; those that end are put aside."""
        K, t = self._how.width, len(self._steps)
        going = np.full((len(self.alive), K), -1)
        for i, b in enumerate(self.alive):
            there = np.isfinite(values[i])
            on = np.flatnonzero(there & (units[i] != self._end))[:K]
            going[i, : len(on)] = on
            for j in np.flatnonzero(there[:K] & (units[i, :K] == self._end)):
                row = int(rows[i, j])
                attended = self._attended[i, row]
                score = self._how.score(values[i, j], t + 1, attended, self._inside[b])
                self._ended[b].append((float(score), t, i * self._width + row))
        return going

    def _are_done(self, going: Numbers, rows: Numbers, values: Array, seen: Array) -> Any:
        """Which sources have as many texts as are wanted, and none under way that is better than
        the best of them, or none that may be longer `[n]`.
        """
        t, first = len(self._steps), np.maximum(going[:, 0], 0)
        done = (t >= self._most[self.alive]) | (going[:, 0] < 0)
        for i, b in enumerate(self.alive):
            if len(self._ended[b]) >= self._how.width and not done[i]:
                attended = seen[i, rows[i, first[i]]]
                ahead = self._how.score(values[i, first[i]], t + 1, attended, self._inside[b])
                done[i] = ahead <= max(score for score, _t, _row in self._ended[b])
        return done

    def texts(self, b: int) -> list[Written]:
        """Those of a source that ended, the best first."""
        inside, found = self._inside[b], []
        best = sorted(self._ended[b], key=lambda one: -one[0])[: self._how.width]
        for score, t, row in best:
            numbers, attention = [], []
            for step in self._steps[:t][::-1]:
                numbers.append(int(step.units[row]))
                attention.append(step.attention[row][inside])
                row = int(step.before[row])
            maps = np.array(attention[::-1], np.float32).reshape(t, int(inside.sum()))
            found.append(Written(np.array(numbers[::-1], np.int64), score, maps))
        return found


class _Step(NamedTuple):
    """Of each text that went on: its unit, the row that it went on from, what that looked at."""

    units: Numbers
    before: Numbers
    attention: Array


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
