"""What the reports of all tasks have alike."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gruta.locale import translate as _
from gruta.locale.numbers import decimals, number, percent, stamp
from gruta.reading import Repair
from gruta.report.charts import ACCENTS, Stroke
from gruta.report.page import Column, Section, Table, Value
from gruta.report.training import gradient_figure, loss_figure
from gruta.tasks.scores import Metric, Scores


def score_table(
    scores: Sequence[Scores],
    metrics: Sequence[Metric],
    strokes: Mapping[str, Stroke],
    *,
    name: Callable[[str], str],
    unit: str = "",
    caption: str = "",
    note: str = "",
) -> Table:
    """A row a model; seconds of training stand there where a model has them.

    strokes: each model's in the charts. name: what people call it. unit: of what is forecast.
    """
    timed = any(s.seconds is not None for s in scores)
    columns = [Column(_("model")), *(_column(m, scores, unit) for m in metrics)]
    columns += [Column(_("parameters"), 0)] + ([Column(_("training (s)"), 1)] if timed else [])
    rows = [
        [
            name(s.model),
            *(_shown(metric, s) for metric in metrics),
            s.parameters,
            *([s.seconds] if timed else []),
        ]
        for s in scores
    ]
    return Table(columns, rows, caption, note, [strokes[s.model].color for s in scores])


def _column(metric: Metric, scores: Sequence[Scores], unit: str) -> Column:
    digits = metric.digits
    if digits is None:
        digits = decimals((s.values.get(metric.name) for s in scores), 3)
    title = f"{_(metric.title)} ({unit})" if unit and metric.in_unit else _(metric.title)
    return Column(title, digits, metric.best)


def _shown(metric: Metric, scores: Scores) -> float | None:
    value = scores.values.get(metric.name)
    return None if value is None else metric.factor * value


def reached(scores: Scores, judged: Metric) -> str:
    """What texts were judged by, and how good they are by it."""
    if judged.name == "exact":
        return _("{share} wholly right").format(share=percent(scores.exact, 1))
    value = number(scores.values[judged.name], 1)
    return _("{value} {score}").format(value=value, score=_(judged.title))


def learned(
    metrics: Sequence[Mapping[str, Any]],
    settings: Any,
    *,
    picked: str = "",
    beside: Sequence[Table] = (),
) -> list[Section]:
    """How one network learned, from the records of its training; nothing where there are none.

    picked: which weights are kept, where they are not those of the lowest loss. beside: what is
    shown below the loss and the gradient.
    """
    if not metrics:
        return []
    s, name = settings, settings.cell.upper()
    by_name, styles = {name: metrics}, {name: Stroke(ACCENTS[s.cell])}
    figures = [
        loss_figure("loss", by_name, styles, picked),
        gradient_figure("gradient", by_name, styles, s.clip, s.clip_threshold),
    ]
    return [Section(_("How it learned"), (), [*figures, *beside])]


def repair_table(repairs: Sequence[Repair]) -> Table:
    """What was found amiss on reading, how often, where first, and what was done about it."""
    columns = [Column(_("found")), Column(_("times"), 0), Column(_("first")), Column(_("done"))]
    rows: list[list[Value]] = [
        [r.kind, r.count, ", ".join(map(stamp, r.places)), r.done] for r in repairs
    ]
    return Table(columns, rows, _("What was mended"))
