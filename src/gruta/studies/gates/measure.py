"""One fact on its way through a sequence: which units keep it, and when their gates let go.

A network learns to repeat each symbol a step later and, in the same state, to guard a marked one
until it is asked for. What it learned is read off its states and gates.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gruta.health.memory import carried
from gruta.locale import translate as _
from gruta.locale.numbers import percent
from gruta.nn import tapped
from gruta.nn.recurrent import FORMS
from gruta.studies.contest import TEST, Entrant, answers, compete, settings
from gruta.studies.plan import Plan
from gruta.studies.problems.reader import Reader
from gruta.studies.problems.recall import Recall
from gruta.surroundings import undisturbed
from gruta.train import seed_of

Array = NDArray[np.float64]

T, HIDDEN = 60, 32
SEQUENCES = 1000
CARRIES = 0.5
"""A unit of whose state this share is about the fact, half-way to the question, carries it."""


@dataclass(frozen=True, eq=False)
class Followed:
    """A cell's network, and what is in it while the facts pass through.

    carried: of each fact, how much of each unit is about it, `[T, H]`; known: of each, how often it
    can be told from the state, `[T]`. keep: the mean share that each unit keeps, `[T, H]`.
    carriers: of each fact, the units that carry it, the strongest first. accuracy: of the answers;
    silenced: of those to the first question with the carriers of the first fact silenced, and with
    the others; as many of each.
    """

    carried: Sequence[Array]
    known: Sequence[Array]
    keep: Array
    carriers: Sequence[Sequence[int]]
    accuracy: float
    silenced: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Found:
    """What was followed, by cell, and when the facts were marked and asked for."""

    cells: Mapping[str, Followed]
    times: Sequence[tuple[int, int]]

    @property
    def steps_told(self) -> list[int]:
        """The marks and questions, and the step before the second mark."""
        return sorted([*sum(self.times, ()), self.times[1][0] - 1])

    def to_json(self) -> dict[str, Any]:
        """The numbers, for a program."""
        return {"times": self.times} | {
            cell: {
                "accuracy": own.accuracy,
                "carriers": list(own.carriers),
                "keep_of_carriers": kept_by_carriers(own, self.times),
                "known": [
                    {str(t): round(float(known[t]), 3) for t in self.steps_told}
                    for known in own.known
                ],
                "accuracy_without_carriers": own.silenced[0],
                "accuracy_without_as_many_others": own.silenced[1],
            }
            for cell, own in self.cells.items()
        }


@undisturbed()
def run(plan: Plan) -> Found:
    """Train a GRU and an LSTM, and follow two facts through each."""
    found = {}
    for cell in ("gru", "lstm"):
        how = settings(plan, plan.by_effort(1500, 3000), 1e-2)
        result = compete(Entrant(Recall(T), cell, HIDDEN, how, "chrono"), plan)
        found[cell] = _follow(result.model, cell, result.test["accuracy"], plan.seed)
        plan.tell(
            _(
                "{cell}: {share} of the answers are right; one unit carries the fact"
                if len(found[cell].carriers[0]) == 1
                else "{cell}: {share} of the answers are right; {count} units carry the fact"
            ).format(
                cell=cell.upper(),
                share=percent(result.test["accuracy"], 1),
                count=len(found[cell].carriers[0]),
            )
        )
    return Found(found, Recall(T).times)


def _follow(model: nn.Module, cell: str, accuracy: float, seed: int) -> Followed:
    problem = Recall(T, jitter=False)
    x, y = problem.draw(SEQUENCES, torch.Generator().manual_seed(seed_of(seed, TEST + 1)))
    with torch.no_grad(), tapped() as taps:
        model(x)
    (tap,) = taps
    states = (tap.gates["c"] if cell == "lstm" else tap.h).numpy()
    keep = tap.gates[FORMS[tap.cell].keep].numpy()
    facts = [x[marked].argmax(1).numpy() for marked, _asked in problem.times]
    shares = [carried(states, fact) for fact in facts]
    carriers = [
        _carriers(share[(marked + asked) // 2])
        for share, (marked, asked) in zip(shares, problem.times, strict=True)
    ]
    others = [j for j in np.argsort(shares[0].max(axis=0)) if j not in carriers[0]]
    asked, count = problem.times[0][1], min(len(carriers[0]), len(others))
    silenced = [
        _right(_silenced(model, units[:count]), x, y, asked) for units in (carriers[0], others)
    ]
    return Followed(
        carried=shares,
        known=[_known(states, fact) for fact in facts],
        keep=keep.mean(axis=1),
        carriers=carriers,
        accuracy=accuracy,
        silenced=(silenced[0], silenced[1]),
    )


def _carriers(shares: Array) -> list[int]:
    strongest = np.argsort(-shares).tolist()
    return [j for j in strongest if shares[j] > CARRIES]


def _known(states: NDArray[Any], fact: NDArray[Any]) -> Array:
    """How often the nearest of the values' mean states is the right one, on the later half.

    The means, and each unit's spread about them, are those of the earlier half.
    """
    half = states.shape[1] // 2
    values = np.unique(fact)
    old, new = states[:, :half], states[:, half:]
    means = np.stack([old[:, fact[:half] == v].mean(axis=1) for v in values])  # [V, T, H]
    own = means[np.searchsorted(values, fact[:half])].swapaxes(0, 1)  # each one's mean [T, B, H]
    spread = np.sqrt(np.square(old - own).mean(axis=1)) + 1e-6
    distances = np.square((new[None] - means[:, :, None]) / spread[:, None]).sum(axis=-1)
    right: Array = (values[distances.argmin(axis=0)] == fact[half:]).mean(axis=1)
    return right


def _silenced(model: nn.Module, units: Sequence[int]) -> nn.Module:
    """A copy of the model that is deaf to what these units say."""
    assert isinstance(model, Reader)
    deaf = copy.deepcopy(model)
    deaf.silence(units)
    return deaf


def _right(model: nn.Module, x: Tensor, y: Tensor, step: int) -> float:
    return float((answers(model, x)[step].argmax(-1) == y[step, :, 0]).float().mean())


def kept_by_carriers(own: Followed, times: Sequence[tuple[int, int]]) -> dict[str, float]:
    """What the carriers of the first fact keep, on average: when, and when least between its
    question and the next mark. Empty where no unit carries it.
    """
    if not own.carriers[0]:
        return {}
    (marked, asked), (marked_next, _asked_next) = times
    mean = own.keep[:, list(own.carriers[0])].mean(axis=1)
    after = mean[asked + 1 : marked_next]
    return {
        "when_marked": float(mean[marked]),
        "while_guarded": float(mean[marked + 1 : asked].mean()),
        "lowest_after": float(after.min()),
        "lowest_after_at": float(asked + 1 + int(after.argmin())),
    }
