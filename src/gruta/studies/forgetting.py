"""Paragraphs whose deciding word stands near the beginning: who still knows it at the end?

For every distance a network is trained anew, as what is lost on the way back through time is what
would have taught it to remember.
"""

import random
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gruta.locale import translate as _
from gruta.locale.numbers import percent, scientific
from gruta.report.charts import ACCENTS, INK, Curve, Stroke, lines
from gruta.report.page import Code, Column, Figure, Formulas, Section, Table
from gruta.studies import equations
from gruta.studies.contest import Entrant, Init, Result, compete, hidden_for, label, settings
from gruta.studies.plan import Plan
from gruta.studies.problems.paragraphs import CHANCE, Paragraphs

PARAMETERS = 10_000
SEEDS = 2
PARAGRAPHS = 1000
STARTS: Sequence[tuple[str, Init, float]] = (
    ("rnn", "torch", 3e-3),
    ("lstm", "torch", 5e-3),
    ("gru", "torch", 5e-3),
    ("lstm", "chrono", 5e-3),
    ("gru", "chrono", 5e-3),
)
LEARNED = 0.9

Start = tuple[str, Init]


@dataclass(frozen=True, eq=False)
class Found:
    """The share of right answers by start and distance, of each seed; and by counting words alone.

    example: a paragraph, and its answer.
    """

    accuracy: Mapping[Start, Mapping[int, Sequence[float]]]
    counting: Mapping[int, float]
    example: tuple[str, bool]

    def reach(self, start: Start) -> int:
        """The largest distance up to which it learned every one, 0 where it learned none."""
        reached = 0
        for distance, shares in self.accuracy[start].items():
            if float(np.mean(shares)) < LEARNED:
                break
            reached = distance
        return reached

    def to_json(self) -> dict[str, Any]:
        """The numbers, for a program."""
        return {
            "accuracy": [
                {"cell": cell, "init": init, "distance": d, "accuracy": list(shares)}
                for (cell, init), own in self.accuracy.items()
                for d, shares in own.items()
            ],
            "reach": [
                {"cell": cell, "init": init, "distance": self.reach((cell, init))}
                for cell, init in self.accuracy
            ],
            "accuracy_of_counting": {str(d): share for d, share in self.counting.items()},
        }


def run(plan: Plan) -> Found:
    """Train every network at every distance."""
    distances: Sequence[int] = plan.by_effort((5, 10, 20), (5, 10, 20, 40, 80))
    accuracy: dict[Start, dict[int, list[float]]] = {}
    for cell, init, rate in STARTS:
        own = accuracy[cell, init] = {}
        for distance in distances:
            own[distance] = [
                _trained(plan, cell, init, rate, distance, seed).test["accuracy"]
                for seed in range(plan.seed, plan.seed + plan.by_effort(1, SEEDS))
            ]
            plan.tell(
                _("{network}: {share} right at a distance of {words} words").format(
                    network=label(cell, init),
                    share=percent(float(np.mean(own[distance]))),
                    words=distance,
                )
            )
    texts = {d: _paragraphs(d, plan.seed) for d in distances}
    return Found(
        accuracy,
        {
            d: float(np.mean([Paragraphs(d, d).majority(t) == yes for t, yes in own]))
            for d, own in texts.items()
        },
        texts[distances[2]][0],
    )


def _trained(plan: Plan, cell: str, init: Init, rate: float, distance: int, seed: int) -> Result:
    problem = Paragraphs(distance, distance)
    how = settings(plan, plan.by_effort(700, 1000), rate).model_copy(update={"seed": seed})
    return compete(Entrant(problem, cell, hidden_for(problem, cell, PARAMETERS), how, init), plan)


def _paragraphs(distance: int, seed: int) -> list[tuple[str, bool]]:
    problem, draw = Paragraphs(distance, distance), random.Random(seed)
    return [problem.paragraph(draw) for _k in range(PARAGRAPHS)]


def title() -> str:
    """Of the report."""
    return _("The beginning of a paragraph")


def lead() -> str:
    """What the study shows, in a paragraph."""
    return _(
        "A plain network has a short memory: at the end of a long paragraph its beginning is lost. "
        "The cause lies in training: the gradient shrinks on its way back, and what does not "
        "arrive at the first sentence cannot teach the network to remember it."
    )


def sections(found: Found) -> list[Section]:
    """The pictures, and what they say."""
    return [_task(found), _in_symbols(), _by_distance(found)]


def _in_symbols() -> Section:
    text = _(
        "What a network knows at the end of the deciding word is in its state h, and at each word "
        "after it the gates decide how much of the old state stays. Over {words} words half of it "
        "kept at each leaves a share of {share}."
    ).format(words=20, share=scientific(0.5**20))
    shown = [
        *equations.rnn(),
        *equations.gru_keeps(),
        *equations.lstm_keeps(),
        *equations.chrono(),
    ]
    return Section(_("In symbols"), (text, equations.about_chrono()), (Formulas(shown),))


def _task(found: Found) -> Section:
    text, yes = found.example
    question = _(
        "Did the first person like it? The second word decides. All that follows is about others, "
        "who like and dislike things too, so that counting the words of praise and of blame is "
        "right the more seldom the longer the paragraph. One of them, whose answer is {answer}:"
    ).format(answer=_("yes") if yes else _("no"))
    return Section(_("What was asked"), (question,), (Code(textwrap.fill(text, 76)),))


def _by_distance(found: Found) -> Section:
    curves = [
        Curve(
            label(cell, init),
            np.array(list(own), dtype=float),
            np.array([np.mean(shares) for shares in own.values()]),
            Stroke(ACCENTS[cell], "-" if init == "torch" else (0, (4, 2)), 1.8, marker="o"),
        )
        for (cell, init), own in found.accuracy.items()
    ]
    counting = list(found.counting.items())
    curves.append(
        Curve(
            _("counting words"),
            np.array([d for d, _share in counting], dtype=float),
            np.array([share for _d, share in counting]),
            Stroke(INK, (0, (1, 1.5)), 1.4),
        )
    )
    figure = Figure(
        "by-distance",
        _(
            "The share of right answers by the distance from the deciding word to the end, on "
            "paragraphs that training has not seen. Dashed: the gates' biases drawn for long lags "
            "(chrono initialisation)."
        ),
        _("Line chart of the share of right answers by distance in words."),
        lines(
            curves,
            _("distance in words and marks"),
            _("share of right answers"),
            limit=(CHANCE, _("by chance")),
        ),
    )
    text = _(
        "As PyTorch starts them, {ends}. Gates alone do not carry far: a fresh one stands half "
        "open and forgets as well. Where their biases are drawn for the distance, {chrono}."
    ).format(ends=_reaches(found, "torch"), chrono=_reaches(found, "chrono"))
    return Section(_("Right answers by distance"), (text,), (figure, _table(found)))


def _reaches(found: Found, init: Init) -> str:
    return "; ".join(
        _("the {cell} learns up to {words} words").format(
            cell=start[0].upper(), words=found.reach(start)
        )
        if found.reach(start)
        else _("the {cell} learns at no distance").format(cell=start[0].upper())
        for start in found.accuracy
        if start[1] == init
    )


def _table(found: Found) -> Table:
    distances = list(found.counting)
    rows: list[list[str | float | None]] = [
        [label(*start), *(percent(float(np.mean(own[d]))) for d in distances)]
        for start, own in found.accuracy.items()
    ]
    rows.append([_("counting words"), *(percent(found.counting[d]) for d in distances)])
    return Table(
        [Column(_("network")), *(Column(_("{count} words").format(count=d)) for d in distances)],
        rows,
        caption=_("Right answers by the distance of the deciding word"),
        note=_("Of several trainings the mean; the JSON output has each."),
        colors=[*(ACCENTS[cell] for cell, _init in found.accuracy), INK],
    )
