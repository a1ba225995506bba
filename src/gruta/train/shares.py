"""A batch in shares, each run forward and back by itself, by one process or by several."""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.settings import TrainSettings
from gruta.train.lesson import Batch, Lesson, State
from gruta.train.ranks import Ranks


class Share(NamedTuple):
    """Some rows of a batch, and what their loss counts for in that of the whole; the weights of all
    shares add up to 1.
    """

    batch: Batch
    weight: float


@runtime_checkable
class Divides(Protocol):
    """A lesson whose batches can be cut by rows.

    The rows of a state that it carries lie in the last dimension but one.
    """

    def shares(self, batch: Batch, count: int) -> Sequence[Share]:
        """The batch in so many shares, one behind the other; one may have no rows. The losses of
        all, by their weights, add up to the batch's.
        """


def cut(
    batch: Batch, rows: Mapping[str, int], count: int, weigh: Callable[[Batch], float]
) -> list[Share]:
    """The shares of a batch, for `Divides.shares`.

    rows: the dimension of a tensor in which its rows lie, by name; what has none is the same in all
    shares. weigh: over how many the loss of some rows is a mean.
    """
    whole = weigh(batch) or math.nan  # the loss of nothing is no number, in shares as in one
    size = next(batch[name].shape[dim] for name, dim in rows.items())
    found = []
    for first, behind in _borders(size, count):
        own = {
            name: part.narrow(rows[name], first, behind - first) if name in rows else part
            for name, part in batch.items()
        }
        found.append(Share(own, weigh(own) / whole if behind > first else 0.0))
    return found


def by_rows(of: str, dim: int) -> Callable[[Batch], float]:
    """For `cut`: a loss is a mean over as many as this tensor has rows."""
    return lambda batch: float(batch[of].shape[dim])


def _borders(size: int, count: int) -> Iterator[tuple[int, int]]:
    for i in range(count):
        yield i * size // count, (i + 1) * size // count


@dataclass(frozen=True)
class Division:
    """Into how many shares batches are cut, and which of them are this process's."""

    count: int
    own: range
    ranks: Ranks

    @classmethod
    def of(cls, settings: TrainSettings, lesson: Lesson, ranks: Ranks) -> "Division":
        """As the settings say; InputError where that is not possible."""
        count = settings.micro_batches or ranks.size
        if count % ranks.size:
            problem = _("expected a multiple of the {size} processes that train, got {count}")
            raise InputError(micro_batches=problem.format(size=ranks.size, count=count))
        if count > 1 and not isinstance(lesson, Divides):
            problem = _("this training is not made for batches in parts; leave one process to it")
            raise InputError(micro_batches=problem)
        if count > 1 and settings.watch_every:
            problem = _("batches in parts are not looked into; leave one of both out")
            raise InputError(watch_every=problem)
        each = count // ranks.size
        return cls(count, range(ranks.rank * each, (ranks.rank + 1) * each), ranks)

    @property
    def is_whole(self) -> bool:
        """Whether a batch is one share, and this process's."""
        return self.count == 1

    def shares(self, lesson: Lesson, batch: Batch) -> list[tuple[int, Share]]:
        """This process's of a batch, with their numbers."""
        if self.is_whole:
            return [(0, Share(batch, 1.0))]
        assert isinstance(lesson, Divides)
        every = lesson.shares(batch, self.count)
        return [(i, every[i]) for i in self.own]

    def states(self, whole: State | None) -> list[State | None]:
        """Of a carried state the rows of each of this process's shares."""
        if whole is None or self.is_whole:
            return [whole] * len(self.own)
        borders = list(_borders(whole[0].shape[-2], self.count))
        return [
            tuple(s.narrow(-2, borders[i][0], borders[i][1] - borders[i][0]) for s in whole)
            for i in self.own
        ]


def joined(states: Sequence[State | None]) -> State | None:
    """The state whose rows these are; shares without rows have none."""
    some = [state for state in states if state is not None]
    if len(some) < 2:
        return some[0] if some else None
    return tuple(torch.cat(parts, -2) for parts in zip(*some, strict=True))


def seed_of_share(seed: int, number: int) -> int:
    """What is drawn in a share has a seed of its own, which is the step's in the first."""
    if number == 0:
        return seed
    raw = hashlib.sha256(f"{seed}/{number}".encode()).digest()
    return int.from_bytes(raw[:8], "little") >> 1


class Sum:
    """The gradients of this process's shares, and what is summed with them over all processes.

    One process keeps their sum; of several each keeps its shares' apart until all are summed in one
    order, which whoever has which share is to have no part in.
    """

    def __init__(self, model: nn.Module, ranks: Ranks) -> None:
        self._parameters = [p for p in model.parameters() if p.requires_grad]
        self._ranks = ranks
        self._vectors: list[Tensor] = []

    def add(self, loss: Tensor | None, stop: bool) -> None:
        """The gradients that lie at the parameters, which are taken from there; without a loss the
        share has no rows, and none are there.
        """
        there = [p.grad is not None for p in self._parameters]
        value = 0.0 if loss is None else float(loss.detach())
        head = torch.tensor([float(stop), value, *map(float, there)])
        gradients = [
            (torch.zeros_like(p) if p.grad is None else p.grad).reshape(-1).cpu()
            for p in self._parameters
        ]
        vector = torch.cat([head, *gradients])
        if self._vectors and self._ranks.size == 1:
            self._vectors[0] += vector
        else:
            self._vectors.append(vector)
        for p in self._parameters:
            p.grad = None

    def total(self) -> tuple[Tensor, bool]:
        """The loss, and whether somebody is asked to stop; the gradients are at the parameters."""
        summed = self._ranks.total(self._vectors)
        count = len(self._parameters)
        stop, loss = bool(summed[0] > 0), summed[1]
        at = 2 + count
        for p, there in zip(self._parameters, summed[2:at].tolist(), strict=True):
            if there:
                p.grad = summed[at : at + p.numel()].view_as(p).to(p.device, p.dtype)
            at += p.numel()
        return loss, stop
