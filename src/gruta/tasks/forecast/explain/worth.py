"""What a forecaster's inputs are worth, for people."""

import numpy as np

from gruta.locale import translate as _
from gruta.locale.numbers import decimals, number
from gruta.report.charts import ACCENTS
from gruta.report.page import Column, Figure, Section, Table, Value
from gruta.tasks.forecast.explain import charts
from gruta.tasks.forecast.explain.importance import Importances


def section(found: Importances) -> Section:
    """Of the training's report."""
    words = _(
        "By how much the mean absolute error over the validation part grows where a source is "
        "exchanged among {count} forecasts, so that each reads another's; with all in place it "
        "is {missed}. The strokes are standard errors. Sources that tell the same stand in for "
        "each other: none of them seems worth much, though all together may be."
    ).format(
        count=number(found.origins),
        missed=number(found.missed, decimals([found.missed])),
    )
    return Section(_("What its inputs are worth"), [words], [_figure(found), _table(found)])


def _figure(found: Importances) -> Figure:
    rises, errors = (np.array([getattr(i, of) for i in found.each]) for of in ("rise", "error"))
    largest = "; ".join(f"{i.source.name} {number(i.rise)}" for i in found.each[:3])
    return Figure(
        "importance",
        _("By how much the error grows without each source; longer is worth more."),
        _("Bar chart of what each source is worth. The largest: {largest}.").format(
            largest=largest
        ),
        charts.importance(
            [i.source.name for i in found.each],
            rises,
            errors,
            _("rise of the mean absolute error ({target})").format(target=found.target),
            ACCENTS[found.cell],
        ),
    )


def _table(found: Importances) -> Table:
    digits = decimals([max(abs(i.rise) for i in found.each)], 3)
    rows: list[list[Value]] = [
        [i.source.name, i.rise, i.error, 100 * i.rise / found.missed if found.missed else None]
        for i in found.each
    ]
    columns = [
        Column(_("source")),
        Column(_("the error rises by"), digits),
        Column(_("standard error"), digits),
        Column(_("which is (%)"), 1),
    ]
    return Table(columns, rows)
