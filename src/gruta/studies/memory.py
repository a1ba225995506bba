"""Who remembers over hundreds of steps: the adding problem and the copying problem, for each cell.

Gates are not enough: a fresh gated network forgets in some steps, and has to be told to keep, by
the biases of its gates (chrono initialisation; Tallec and Ollivier 2018, arXiv:1804.11188).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from gruta.locale import translate as _
from gruta.locale.numbers import brief, number, percent
from gruta.report.charts import ACCENTS, Curve, Stroke, lines
from gruta.report.page import Column, Figure, Formula, Formulas, Section, Table
from gruta.studies import equations
from gruta.studies.contest import Entrant, Init, Result, compete, hidden_for, settings
from gruta.studies.plan import Effort, Plan
from gruta.studies.problems import Adding, Copying, Problem, adding, copying

PARAMETERS = 70_000


class Start(NamedTuple):
    """A cell, how its weights start, and how fast it learns."""

    cell: str
    init: Init
    rate: float


class Round(NamedTuple):
    """A problem, the size of the networks that meet on it, their steps, and who they are."""

    problem: Problem
    parameters: int
    steps: int
    starts: Sequence[Start]


PLAIN, ORTHOGONAL = Start("rnn", "torch", 1e-3), Start("rnn", "orthogonal", 1e-3)


def _gated(init: Init, rate: float) -> list[Start]:
    return [Start("lstm", init, rate), Start("gru", init, rate)]


def rounds(effort: Effort) -> list[Round]:
    """Who meets on what."""
    if effort == "quick":
        five = [PLAIN, *_gated("torch", 1e-2), *_gated("chrono", 1e-2)]
        copiers = [PLAIN, ORTHOGONAL, *_gated("chrono", 1e-2)]
        return [Round(Adding(60), 5_000, 800, five), Round(Copying(20), 10_000, 2000, copiers)]
    near = [PLAIN, *_gated("torch", 5e-3), *_gated("chrono", 1e-2)]
    copiers = [PLAIN, ORTHOGONAL, *_gated("chrono", 5e-3)]
    far = [PLAIN, Start("lstm", "chrono", 3e-3), Start("gru", "chrono", 5e-3)]
    return [
        Round(Adding(200), PARAMETERS, 1200, near),
        Round(Copying(50), PARAMETERS // 2, 5000, copiers),
        Round(Adding(600), PARAMETERS, 12_000 if effort == "full" else 4000, far),
    ]


@dataclass(frozen=True, eq=False)
class Found:
    """The results of each round."""

    rounds: Sequence[tuple[Problem, Sequence[Result]]]

    def to_json(self) -> dict[str, Any]:
        """The numbers, for a program."""
        return {"results": [r.to_json() for _problem, results in self.rounds for r in results]}


def run(plan: Plan) -> Found:
    """Train all that meet."""
    found = []
    for problem, parameters, steps, starts in rounds(plan.effort):
        results = []
        for cell, init, rate in starts:
            hidden = hidden_for(problem, cell, parameters)
            entrant = Entrant(problem, cell, hidden, settings(plan, steps, rate), init)
            results.append(compete(entrant, plan))
            plan.tell(f"{_title(problem)}, {entrant.label}: {_score(results[-1])}")
        found.append((problem, results))
    return Found(found)


def title() -> str:
    """Of the report."""
    return _("Who remembers")


def lead() -> str:
    """What the study shows, in a paragraph."""
    return _(
        "A plain network replaces its whole state at every step, and what it read long ago is "
        "gone. GRU and LSTM can keep a state nearly whole, as their gates decide at each step; but "
        "a fresh one does not know yet that it should. Where its gates start out ready to keep, it "
        "learns to carry a number over many steps."
    )


def sections(found: Found) -> list[Section]:
    """The pictures, and what they say."""
    rounds = [_round(problem, results) for problem, results in found.rounds]
    return [_in_symbols(), *rounds]


def _in_symbols() -> Section:
    text = _(
        "h is the state, x the input, z and f the gates that keep, r the gate that resets, i the "
        "one that lets in, n and g what is proposed to take the old state's place; ⊙ multiplies "
        "unit by unit."
    )
    shown = [
        *equations.rnn(),
        *equations.gru(),
        *equations.lstm_keeps(),
        *equations.chrono(),
        Formula("W_hh^⊤ W_hh = 1", _("RNN, orthogonal: a rotation, which changes no length")),
    ]
    return Section(_("In symbols"), (text, equations.about_chrono()), (Formulas(shown),))


def _round(problem: Problem, results: Sequence[Result]) -> Section:
    text = _adding_text(problem) if isinstance(problem, Adding) else _copying_text(problem)
    figure = Figure(
        problem.name,
        _(
            "The loss on sequences that no step learns from, over training. Dashed: the gates' "
            "biases drawn for long lags (chrono initialisation); dotted: an orthogonal matrix from "
            "state to state."
        ),
        _("Line chart of the loss by step of training, logarithmic."),
        lines(
            [_curve(result) for result in results],
            _("step"),
            _("loss"),
            log=True,
            limit=(problem.baseline, _("the earliest forgotten")),
        ),
    )
    return Section(_title(problem), (text,), (figure, _table(problem, results)))


def _adding_text(problem: Problem) -> str:
    return _(
        "Each step shows a number from 0 to 1 and a mark. Two numbers are marked, one in each half "
        "of {steps} steps; at the end the network has to tell their sum. Who remembers neither "
        "does best by always answering 1, a mean squared error of {constant}; who has forgotten "
        "the first alone still comes to {forgotten}. Below that line lies long memory."
    ).format(
        steps=problem.longest_lag,
        constant=number(adding.CONSTANT, 3),
        forgotten=number(adding.FORGOTTEN, 3),
    )


def _copying_text(problem: Problem) -> str:
    return _(
        "{count} symbols out of {kinds}, then {delay} steps of silence, then the symbols are to be "
        "repeated in their order. Who has forgotten them guesses, and is right in {chance}. Here "
        "the state has to hold a list, which the network turns into and out of by its matrix from "
        "state to state: where that one starts as a rotation, even a plain network learns it."
    ).format(
        count=copying.LENGTH,
        kinds=copying.SYMBOLS,
        delay=problem.longest_lag - copying.LENGTH,
        chance=percent(copying.CHANCE, 1),
    )


def _table(problem: Problem, results: Sequence[Result]) -> Table:
    rows: list[list[str | float | None]] = [
        [
            result.entrant.label,
            float(result.entrant.hidden),
            float(result.parameters),
            float(result.entrant.settings.steps),
            result.seconds,
            _score(result),
        ]
        for result in results
    ]
    score = _("mean squared error") if isinstance(problem, Adding) else _("right symbols")
    return Table(
        [
            Column(_("network")),
            Column(_("units"), 0),
            Column(_("parameters"), 0),
            Column(_("steps"), 0),
            Column(_("seconds"), 0),
            Column(score),
        ],
        rows,
        caption=_("On 2,000 sequences that training has not seen"),
        colors=[ACCENTS[result.entrant.cell] for result in results],
    )


def _curve(result: Result) -> Curve:
    records = [r for r in result.metrics if r.get("validation_loss") is not None]
    dash: Any = {"torch": "-", "chrono": (0, (4, 2)), "orthogonal": (0, (1, 1.5))}
    entrant = result.entrant
    return Curve(
        entrant.label,
        np.array([r["step"] for r in records], dtype=float),
        np.array([r["validation_loss"] for r in records], dtype=float),
        Stroke(ACCENTS[entrant.cell], dash[entrant.init], 1.8),
    )


def _title(problem: Problem) -> str:
    if isinstance(problem, Adding):
        return _("Adding over {steps} steps").format(steps=problem.T)
    return _("Copying after {steps} steps").format(steps=problem.longest_lag - copying.LENGTH)


def _score(result: Result) -> str:
    if "accuracy" in result.test:
        return percent(result.test["accuracy"], 1)
    return brief(result.test["mean_squared_error"])
