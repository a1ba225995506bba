"""A sweep, as it is told: the page, its tables on the terminal, and JSON."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from optuna.trial import TrialState

from gruta.locale import translate as _
from gruta.locale.numbers import decimals, number, percent
from gruta.report.charts import ACCENTS, FAINT, INK, Curve, Stroke, lines
from gruta.report.page import Column, Figure, Section, Table
from gruta.report.settings import written
from gruta.tasks.scores import to_json
from gruta.tune.outcome import Outcome, Scored


def title(outcome: Outcome) -> str:
    """Of the page."""
    return _("Settings of {task}, by trials").format(task=outcome.sweep.task.name)


def lead(outcome: Outcome) -> str:
    """What was found, in words."""
    count, pruned = len(outcome.trials), outcome.count(TrialState.PRUNED)
    told = _("{count} trials, {pruned} of them cut short.").format(count=count, pruned=pruned)
    failed = outcome.count(TrialState.FAIL)
    if failed:
        told += " " + _("{failed} failed.").format(failed=failed)
    best, default = outcome.best, outcome.default
    digits = decimals([best.validation, default.validation], 4)
    if best.run == default.run:
        more = _("None is better on the validation part than the settings as they are: {value}.")
        return f"{told} {more.format(value=number(best.validation, digits))}"
    more = _(
        "The best on the validation part reaches {best} there, the settings as they are {default}."
    )
    told += " " + more.format(
        best=number(best.validation, digits), default=number(default.validation, digits)
    )
    return told


def honest() -> str:
    """What a chosen one's scores are worth."""
    return _(
        "The best was chosen by the validation part, so its value there flatters it, the more the "
        "more trials there were. The test had no say in it; it is asked for these two whenever a "
        "search ends, so it is no way to choose among searches."
    )


def scores(outcome: Outcome) -> Table:
    """The best, the settings as they are, and the simple models."""
    metrics = [m for m in outcome.sweep.task.metrics if not m.in_unit]
    shown = _shown(outcome)
    columns = [Column(""), Column(_("validation"), _digits(shown), "lowest")]
    rows: list[list[Any]] = [[_name(one), one.validation] for one in shown]
    found = outcome.best.evaluation
    if found is None:
        return Table(columns, rows)
    tested = [one.evaluation.scores[0] for one in shown if one.evaluation is not None]
    simple = found.scores[1:]
    rows = [*rows, *([one.model, None] for one in simple)]
    for metric in metrics:
        values = [s.values.get(metric.name) for s in (*tested, *simple)]
        own = [None if v is None else v * metric.factor for v in values]
        digits = decimals(own, 4) if metric.digits is None else metric.digits
        columns.append(Column(_("test: {name}").format(name=_(metric.title)), digits, metric.best))
        for row, value in zip(rows, own, strict=True):
            row.append(value)
    return Table(columns, rows)


def settings(outcome: Outcome) -> Table:
    """What was tried, what was best, and how much it matters."""
    sweep = outcome.sweep
    best, default = (sweep.settings(one.params) for one in (outcome.best, outcome.default))
    columns = [Column(_("setting")), Column(_("tried")), Column(_("best")), Column(_("as it is"))]
    columns.append(Column(_("importance"), 2))
    order = sorted(sweep.space, key=lambda name: -outcome.importance.get(name, 0.0))
    rows = [
        [
            name,
            str(sweep.space[name]),
            written(_brief(getattr(best, name))),
            written(_brief(getattr(default, name))),
            outcome.importance.get(name),
        ]
        for name in order
    ]
    return Table(columns, rows)


def sections(outcome: Outcome) -> list[Section]:
    """Of the page."""
    trials = Section(_("Trials"), content=[_history(outcome), _curves(outcome), _table(outcome)])
    return [
        Section(_("Scores"), [honest()], [scores(outcome)]),
        Section(_("Settings"), [_importance_told(outcome)], [settings(outcome)]),
        trials,
    ]


def as_json(outcome: Outcome) -> dict[str, Any]:
    """For a program."""
    sweep = outcome.sweep

    def one(scored: Scored) -> dict[str, Any]:
        own = sweep.settings(scored.params)
        found = scored.evaluation
        told = {} if found is None else to_json(found.scores, found.lost_to)
        tried = {name: getattr(own, name) for name in sweep.space}
        return {"run": str(scored.run), "settings": tried, "validation": scored.validation} | told

    return {
        "study": sweep.study.study_name,
        "trials": len(outcome.trials),
        "complete": outcome.count(TrialState.COMPLETE),
        "pruned": outcome.count(TrialState.PRUNED),
        "failed": outcome.count(TrialState.FAIL),
        "importance": dict(outcome.importance),
        "best": {"trial": outcome.number} | one(outcome.best),
        "default": one(outcome.default),
    }


def _shown(outcome: Outcome) -> list[Scored]:
    same = outcome.best.run == outcome.default.run
    return [outcome.best] if same else [outcome.best, outcome.default]


def _name(one: Scored) -> str:
    return {"best": _("best settings"), "default": _("settings as they are")}[one.name]


def _digits(shown: list[Scored]) -> int:
    return decimals([one.validation for one in shown], 4)


def _brief(value: Any) -> Any:
    """Of a number that was drawn no more digits than tell anything."""
    return float(f"{value:.3g}") if isinstance(value, float) else value


def _importance_told(outcome: Outcome) -> str:
    if not outcome.importance:
        return _("Too few trials came to their end to say which setting matters.")
    most, share = next(iter(outcome.importance.items()))
    return _("What matters most here is {name}: {share} of what tells good trials.").format(
        name=most, share=percent(share)
    )


def _history(outcome: Outcome) -> Figure:
    """Each trial's value, and the best so far."""
    complete = [t for t in outcome.trials if t.value is not None]
    x = np.array([t.number for t in complete], float)
    y = np.array([t.value for t in complete], float)
    dots = Stroke(INK, dash="", marker="o")
    best = Stroke(ACCENTS["gru"], width=2.0)
    curves = [Curve(_("trial"), x, y, dots)]
    curves.append(Curve(_("best so far"), x, np.minimum.accumulate(y), best))
    label = _("validation")
    caption = _("The lowest value of each trial's validations, and of all up to it.")
    return Figure("history", caption, caption, lines(curves, _("trial"), label))


def _curves(outcome: Outcome) -> Figure:
    """The validations of each trial."""
    accent = Stroke(ACCENTS["gru"], width=2.0)
    drawn = sorted(outcome.trials, key=lambda t: t.number == outcome.number)
    curves, named = [], False
    for trial in drawn:
        values: Mapping[int, float] = trial.intermediate_values
        if not values:
            continue
        own = trial.number == outcome.number
        label = _("best") if own else "" if named else _("other trials")
        named = named or not own
        x, y = (np.array(list(part), float) for part in (values.keys(), values.values()))
        curves.append(Curve(label or "_", x, y, accent if own else Stroke(FAINT)))
    caption = _(
        "The lowest value so far at each validation; a trial that was worse than half of the "
        "others was cut short."
    )
    return Figure("curves", caption, caption, lines(curves, _("step"), _("validation")))


def _table(outcome: Outcome) -> Table:
    names = list(outcome.sweep.space)
    states = {
        TrialState.COMPLETE: _("complete"),
        TrialState.PRUNED: _("cut short"),
        TrialState.FAIL: _("failed"),
    }
    trials = outcome.trials
    digits = decimals([t.value for t in trials if t.value is not None], 4)
    columns = [
        Column(_("trial"), 0),
        *(Column(name) for name in names),
        Column(_("validation"), digits, "lowest"),
        Column(_("outcome")),
        Column(_("seconds"), 1),
    ]
    rows = [
        [
            t.number,
            *(written(_brief(t.params[n])) if n in t.params else None for n in names),
            t.value,
            states.get(t.state, t.state.name),
            t.user_attrs.get("seconds"),
        ]
        for t in trials
    ]
    return Table(columns, rows)
