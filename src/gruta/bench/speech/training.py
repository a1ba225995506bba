"""Steps of the recogniser's training with gruta's layers and with torch.nn's in their place."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from gruta.bench.names import threads_name
from gruta.bench.speech.lessons import lesson, of_one_length, with_torchs_layers
from gruta.bench.turns import steps_in_turns
from gruta.cells import CELLS, CellName
from gruta.cores import cores
from gruta.locale.numbers import number
from gruta.surroundings import threads
from gruta.tasks.transcribe.lesson import TranscribeLesson
from gruta.train import Batch, make_optimizer, rate
from gruta.train.seeds import draws

GOALS: dict[CellName, float] = {"gru": 1.5}
"""How many times as fast as torch.nn a step has to be."""

STEPS = 1
"""Of a block that are timed, behind one that is not."""

Lengths = Literal["own", "one"]


@dataclass(frozen=True)
class Training:
    """A cell, with gruta's layers and with torch.nn's.

    lengths: rows of a batch have lengths of their own, as in training, or one length, which spares
    torch.nn its packing. seconds, torch_seconds: of a step, the median. steps: so many were taken
    by each; loss, torch_loss: nats a character at the last of them. goal: that torch.nn takes so
    many times as long; None where none is set.
    """

    cell: CellName
    threads: int
    lengths: Lengths
    seconds: float
    torch_seconds: float
    steps: int
    loss: float
    torch_loss: float
    goal: float | None
    measure: Literal["training"] = "training"

    @property
    def ratio(self) -> float:
        """How many times as fast a step is with gruta's layers."""
        return self.torch_seconds / self.seconds

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None where none is set."""
        return None if self.goal is None else self.ratio >= self.goal

    def __str__(self) -> str:
        seconds = f"{number(self.seconds, 3)} / {number(self.torch_seconds, 3)} s"
        losses = f"{number(self.loss, 4)} / {number(self.torch_loss, 4)}"
        return f"{self.cell.upper()}, {threads_name(self.threads)}: {seconds}, {losses}"


def trainings(rounds: int) -> Iterator[Training]:
    """Each cell on one thread, and on two where there are two cores; the GRU with rows of one
    length too.
    """
    for count in (1, 2) if cores() > 1 else (1,):
        for cell in CELLS:
            for lengths in ("own", "one") if cell == "gru" else ("own",):
                yield _trained(cell, count, lengths, rounds)


def _trained(cell: CellName, count: int, lengths: Lengths, rounds: int) -> Training:
    with threads(count):
        own = lesson(cell=cell, steps=max(2, rounds * (STEPS + 1)))
        batches = [own.batch(k) for k in range(4)]
        if lengths == "one":
            batches = [of_one_length(one) for one in batches]
        both = [Learner(own, batches), Learner(with_torchs_layers(own), batches)]
        own_seconds, torch_seconds = steps_in_turns([one.step for one in both], rounds, STEPS)
    ours, theirs = both
    loss, torch_loss = float(ours.loss.detach()), float(theirs.loss.detach())
    about = (cell, count, lengths)
    seconds = (own_seconds, torch_seconds)
    return Training(*about, *seconds, ours.at, loss, torch_loss, GOALS.get(cell))


class Learner:
    """A network that learns step by step, as the loop has it, on batches that are there."""

    def __init__(self, own: TranscribeLesson, batches: list[Batch]) -> None:
        self._lesson, self._batches, self.at = own, batches, 0
        self.loss: Tensor = torch.tensor(0.0)
        self._optimizer = make_optimizer(own.model, own.settings)

    def step(self) -> None:
        """One more, whose random numbers are those of its number."""
        own, s = self._lesson, self._lesson.settings
        with draws(own, s.seed, self.at, torch.device("cpu")):
            own.model.train()
            self.loss, _ = own.loss(self._batches[self.at % len(self._batches)], None)
            self.loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(own.model.parameters(), s.clip_threshold)
        for group in self._optimizer.param_groups:
            group["lr"] = rate(s, self.at)
        self._optimizer.step()
        self._optimizer.zero_grad()
        self.at += 1
