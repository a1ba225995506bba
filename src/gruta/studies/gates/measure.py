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
from gruta.health.passes import KEEP
from gruta.locale import translate as _
from gruta.locale.numbers import number, percent
from gruta.nn import tapped
from gruta.report.charts import ACCENTS, Curve, Stroke, lines
from gruta.report.maps import heat_maps
from gruta.report.page import Column, Figure, Section, Table
from gruta.studies.contest import TEST, Entrant, answers, compete, settings
from gruta.studies.plan import Plan
from gruta.studies.problems import recall
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
                "keep_of_carriers": _of_carriers(own, self.times),
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
            _("{cell}: {share} of the answers are right; {count} units carry the fact").format(
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
    keep = tap.gates[KEEP[tap.cell]].numpy()
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
    """The model, deaf to what these units say."""
    model = copy.deepcopy(model)
    weights = dict(model.named_parameters())
    with torch.no_grad():
        for name in ("layer.weight_hh_l0", "head.weight"):
            weights[name][:, units] = 0.0
    return model


def _right(model: nn.Module, x: Tensor, y: Tensor, step: int) -> float:
    return float((answers(model, x)[step].argmax(-1) == y[step, :, 0]).float().mean())


# ---- the report


def title() -> str:
    """Of the report."""
    return _("One fact, and the gates that guard it")


def lead() -> str:
    """What the study shows, in a paragraph."""
    return _(
        "An update gate near 1 keeps the old state nearly whole, without computing it anew; near 0 "
        "it lets go, and the proposal takes its place. So one hidden state serves as short and as "
        "long memory: some units pass each symbol on, others guard one for as long as it is "
        "needed, and write the next in its place."
    )


def sections(found: Found) -> list[Section]:
    """The pictures, and what they say."""
    return [_task(found), *(_cell(cell, own, found.times) for cell, own in found.cells.items())]


def _task(found: Found) -> Section:
    (marked, asked), (marked_next, asked_next) = found.times
    text = _(
        "Each of {steps} steps shows one of {kinds} symbols, which is to be repeated at the "
        "next step. At step {marked} one is marked, and at step {asked} it is asked for; then "
        "another is marked at step {next} and asked for at step {last}. What follows is measured "
        "over {count} sequences that share these times and differ in all symbols; in training the "
        "times vary."
    ).format(
        steps=T,
        kinds=recall.SYMBOLS,
        marked=marked,
        asked=asked,
        next=marked_next,
        last=asked_next,
        count=number(SEQUENCES),
    )
    curves = []
    for cell, own in found.cells.items():
        for k, known in enumerate(own.known):
            label = f"{cell.upper()}, {_('first fact') if k == 0 else _('second fact')}"
            stroke = Stroke(ACCENTS[cell], "-" if k == 0 else (0, (4, 2)), 1.8)
            curves.append(Curve(label, np.arange(T, dtype=float), known, stroke))
    figure = Figure(
        "known",
        _(
            "How often a fact can be told from the state alone, step by step (nearest mean). A "
            "network that lets go forgets the first fact when it is of no more use."
        ),
        _("Line chart of how often each fact can be told from the state, by step."),
        lines(
            curves,
            _("step"),
            _("share told right"),
            limit=(recall.CHANCE, _("by chance")),
            marks=_marks(found.times),
        ),
    )
    return Section(_("What the state knows"), (text,), (figure,))


def _cell(cell: str, own: Followed, times: Sequence[tuple[int, int]]) -> Section:
    if not own.carriers[0]:
        text = _(
            "No unit carries the fact half-way to the question: {share} of the answers are right. "
            "This network has not learned the task."
        ).format(share=percent(own.accuracy, 1))
        return Section(cell.upper(), (text,), (_maps(cell, own, times),))
    pictures = (_gate_figure(cell, own, times), _maps(cell, own, times), _table(own, times))
    return Section(cell.upper(), (_told(cell, own, times),), pictures)


def _told(cell: str, own: Followed, times: Sequence[tuple[int, int]]) -> str:
    keep = _of_carriers(own, times)
    gate = _("update gate z") if cell == "gru" else _("forget gate f")
    guarded = _(
        "{count} of {all} units carry the first fact. Their {gate} keeps {written} of the state at "
        "the step of the mark, where it is written down, and {held} on average while it is "
        "guarded; what leaks away meanwhile the units write to each other anew. With {silent} of "
        "them silenced {without} of the first questions are answered right; with {silent} others "
        "silenced, {others}."
    ).format(
        count=len(own.carriers[0]),
        all=HIDDEN,
        gate=gate,
        written=percent(keep["when_marked"]),
        held=percent(keep["while_guarded"]),
        without=percent(own.silenced[0]),
        others=percent(own.silenced[1]),
        silent=min(len(own.carriers[0]), HIDDEN - len(own.carriers[0])),
    )
    ((_marked, asked), (marked_next, _asked_next)) = times
    after = _(
        "After the question they keep {low} at step {when}, their least before the next mark, and "
        "just before that mark the fact can be told in {known} of the sequences, from {asked} at "
        "the question: "
    ).format(
        low=percent(keep["lowest_after"]),
        when=int(keep["lowest_after_at"]),
        known=percent(float(own.known[0][marked_next - 1])),
        asked=percent(float(own.known[0][asked])),
    )
    released = own.known[0][marked_next - 1] < 0.5
    return (
        guarded
        + " "
        + after
        + (_("it lets go of it.") if released else _("it holds it until the next takes its place."))
    )


def _maps(cell: str, own: Followed, times: Sequence[tuple[int, int]]) -> Figure:
    (marked, asked), *_second = times
    order = np.argsort(-own.carried[0][(marked + asked) // 2])
    return Figure(
        f"{cell}-carried",
        _(
            "How much of each unit's state is about the first fact, and about the second, and what "
            "share of its state it keeps. The units that hold the first fact half-way to the "
            "question stand on top."
        ),
        _("Heat maps, units by steps."),
        heat_maps(
            [
                (_("about the first fact"), own.carried[0].T[order], False),
                (_("about the second fact"), own.carried[1].T[order], False),
                (_("keep fraction"), own.keep.T[order], False),
            ],
            _("step"),
            _("units, sorted"),
        ),
    )


def _gate_figure(cell: str, own: Followed, times: Sequence[tuple[int, int]]) -> Figure:
    steps = np.arange(T, dtype=float)
    carriers = list(own.carriers[0])
    others = [j for j in range(HIDDEN) if j not in carriers]
    curves = [
        Curve(_("carriers"), steps, own.keep[:, carriers].mean(axis=1), Stroke(ACCENTS[cell])),
        Curve(_("other units"), steps, own.keep[:, others].mean(axis=1), Stroke("#8f949c")),
    ]
    return Figure(
        f"{cell}-gate",
        _(
            "The share of their state that units keep at each step, on average over the sequences: "
            "those that carry the first fact, and the others."
        ),
        _("Line chart of the keep fraction by step."),
        lines([c for c in curves if len(c.y)], _("step"), _("keep fraction"), marks=_marks(times)),
    )


def _table(own: Followed, times: Sequence[tuple[int, int]]) -> Table:
    (marked, asked), (marked_next, _asked_next) = times
    rows: list[list[str | float | None]] = [
        [
            number(j),
            percent(float(own.carried[0][(marked + asked) // 2, j])),
            percent(float(own.keep[marked, j])),
            percent(float(own.keep[marked + 1 : asked, j].mean())),
            percent(float(own.keep[asked, j])),
            percent(float(own.keep[marked_next, j])),
        ]
        for j in list(own.carriers[0])[:8]
    ]
    return Table(
        [
            Column(_("unit")),
            Column(_("about the fact")),
            Column(_("keeps at the mark")),
            Column(_("while guarded")),
            Column(_("at the question")),
            Column(_("at the next mark")),
        ],
        rows,
        caption=_("The units that carry the first fact"),
    )


def _of_carriers(own: Followed, times: Sequence[tuple[int, int]]) -> dict[str, float]:
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


def _marks(times: Sequence[tuple[int, int]]) -> list[tuple[float, str]]:
    names = _("marked"), _("asked")
    return [(float(t), name) for pair in times for t, name in zip(pair, names, strict=True)]
