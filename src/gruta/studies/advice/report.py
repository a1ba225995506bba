"""What the advice study found, told and drawn."""

import numpy as np

from gruta.locale import translate as _
from gruta.locale.numbers import brief, number
from gruta.report.dots import DotPanel, dot_panels
from gruta.report.page import Column, Figure, Formula, Formulas, Section, Table
from gruta.studies.advice.measure import Found
from gruta.studies.advice.verdict import Verdict

BAD, GOOD = "#c0392b", "#00796b"
LEAST, WORST = 1e-5, 1e6  # what the picture shows of the outcomes beyond
LINEAR = ("cosine", "clipped share")


def title() -> str:
    """Of the report."""
    return _("How far advice can be trusted")


def lead() -> str:
    """What the study shows, in a paragraph."""
    return _(
        "Advice says that something will go wrong. Here networks are measured that are then "
        "trained to the end, on tasks whose answer is known, so that each rule can be held against "
        "what came: of those that it tells of, how many fail, and of the others, how many do not?"
    )


def sections(found: Found) -> list[Section]:
    """The pictures, and what they say."""
    figure = Figure(
        "rules",
        _(
            "A dot is a training: what the rule measured, and the loss at its end as a share of "
            "that of who has forgotten the beginning (at its worst, as a multiple of the first, "
            "for the gradient's growth). The shaded side is where the rule tells."
        ),
        _("Dots of the outcome by the measure, a panel for each rule."),
        dot_panels([_panel(verdict) for verdict in found.verdicts], _("outcome")),
    )
    return [_in_symbols(), Section(_("The rules"), (), (_table(found), figure))]


def _in_symbols() -> Section:
    text = _(
        "L is the loss, hₜ the state after step t of T, and ℓ the lag: over how many steps the "
        "network has to remember. kₜ is the keep fraction, the share of its old state that a unit "
        "keeps at a step: the update gate z in a GRU, the forget gate f in an LSTM. g is the "
        "gradient of all weights θ, g′ the same after clipping, and Δθ what a step adds to them."
    )
    shown = [
        Formula("{‖∂L/∂h_(T−ℓ)‖}/{‖∂L/∂h_T‖}", _name("gradient that arrives")),
        Formula("{τ}/{ℓ},  τ = −{1}/{mean ln k_t}", _name("time constant over need")),
        Formula("{‖∂L/∂h_1‖}/{‖∂L/∂h_T‖}", _name("growth of the gradient")),
        Formula("{g·g′}/{‖g‖ ‖g′‖}", _name("cosine")),
        Formula("{‖Δθ‖}/{‖θ‖}", _("update ratio")),
    ]
    return Section(_("In symbols"), (text,), (Formulas(shown),))


def _table(found: Found) -> Table:
    share = _("{count} of {all}")
    rows: list[list[str | float | None]] = []
    for verdict in found.verdicts:
        own = verdict.to_json()
        rows.append(
            [
                _name(verdict.name),
                f"{'<' if verdict.below else '>'} {brief(verdict.bound)}",
                share.format(count=own["told_and_failed"], all=own["told"]),
                share.format(count=own["not_told_and_fine"], all=own["not_told"]),
                number(own["accuracy"], 2),
                " – ".join(map(brief, own["best_bounds"] or [None])),
            ]
        )
    return Table(
        [
            Column(_("measure")),
            Column(_("tells where")),
            Column(_("told, and failed")),
            Column(_("not told, and fine")),
            Column(_("accuracy")),
            Column(_("best bounds")),
        ],
        rows,
        note=_(
            "Accuracy: the mean of the share of the failed that are told of, and of the share of "
            "the others that are not; 0.5 is chance. Best bounds: any bound between the two would "
            "have been right most often."
        ),
    )


def _panel(verdict: Verdict) -> DotPanel:
    groups = []
    for failed, label, color in ((True, _("failed"), BAD), (False, _("fine"), GOOD)):
        cases = [case for case in verdict.cases if case.failed == failed]
        measures = np.array([case.measure for case in cases])
        outcomes = np.clip([case.outcome for case in cases], LEAST, WORST)
        groups.append((label, measures, outcomes, color))
    told = (-np.inf, verdict.bound) if verdict.below else (verdict.bound, np.inf)
    return DotPanel(_name(verdict.name), groups, told, log=verdict.name not in LINEAR)


def _name(rule: str) -> str:
    return {
        "gradient that arrives": _("gradient that arrives"),
        "time constant over need": _("time constant over need"),
        "growth of the gradient": _("growth of the gradient"),
        "clipped share": _("clipped share"),
        "cosine": _("cosine, clipped by value"),
        "update ratio, low": _("update ratio, low"),
        "update ratio, high": _("update ratio, high"),
    }[rule]
