"""What a backtest tells: all cuts in one section, then a section for each."""

from gruta.locale import translate as _
from gruta.locale.numbers import decimals, number
from gruta.report.charts import strokes
from gruta.report.page import Column, Section, Table
from gruta.report.settings import settings_table
from gruta.report.training import gradient_figure, loss_figure
from gruta.tasks.forecast.backtest import Backtest, Cut
from gruta.tasks.forecast.figures import coverage_figures, error_figure, forecast_figures
from gruta.tasks.forecast.names import model_name
from gruta.tasks.forecast.report import by_level, by_network, differences, scores, verdict
from gruta.tasks.forecast.settings import ForecastSettings
from gruta.tasks.task import Report


def tables(found: Backtest) -> list[Table]:
    """The error by cut, and how sure the differences are over all."""
    tables = [by_cut(found), differences(found.pooled)]
    return tables if found.pooled.reconciled is None else [*tables, by_level(found.pooled)]


def by_cut(found: Backtest) -> Table:
    """A row a model: its mean absolute error, or CRPS, in each cut and over all."""
    founds, judged = [*(cut.found for cut in found.cuts), found.pooled], found.pooled.judged
    errors = [{s.model: s.values[judged] for s in one.scores} for one in founds]
    digits = decimals((error for one in errors for error in one.values()), 3)
    titles = [_("from {stamp}").format(stamp=cut.begins) for cut in found.cuts]
    styles = strokes([s.model for s in found.scores])
    return Table(
        [
            Column(_("model")),
            *(Column(title, digits, "lowest") for title in [*titles, _("all cuts")]),
        ],
        [[model_name(s.model), *(one.get(s.model) for one in errors)] for s in found.scores],
        _("CRPS by cut") if judged == "crps" else _("MAE by cut"),
        _("Each cut is forecast by a network that was trained on what lies before it.")
        if found.refit
        else _("All cuts are forecast by the same network, whose training saw none of them."),
        [styles[s.model].color for s in found.scores],
    )


def report(found: Backtest, settings: ForecastSettings) -> Report:
    """All cuts, then each."""
    pooled, cell = found.pooled, settings.cell
    title = _("Backtest of {target} by a {cell}").format(
        target=settings.target, cell=model_name(cell)
    )
    styles = strokes([cell, *pooled.baselines])
    models = {cell: pooled.median} | pooled.baselines
    every = Section(
        _("All cuts"),
        pooled.notes,
        [
            *tables(found),
            scores(pooled),
            *coverage_figures(pooled),
            error_figure("error", pooled.truth, models, styles),
        ],
    )
    sections = [every, *(_cut(i, cut, settings) for i, cut in enumerate(found.cuts, 1))]
    sections.append(Section(_("Settings"), (), [settings_table({_("value"): {cell: settings}})]))
    return Report(title, verdict(pooled), sections)


def _cut(number_: int, cut: Cut, settings: ForecastSettings) -> Section:
    """How good it is there, what it forecasts, and how it learned, if it did."""
    cell, found, name = settings.cell, cut.found, f"cut-{number_}"
    content = [
        scores(found),
        differences(found),
        *forecast_figures(name, {cell: found}, found.series.columns.target),
    ]
    if cut.metrics:
        by_name, styles = by_network(cut.metrics, model_name(cell), strokes([cell])[cell])
        threshold = settings.clip_threshold
        content += [
            loss_figure(f"{name}-loss", by_name, styles),
            gradient_figure(f"{name}-gradient", by_name, styles, settings.clip, threshold),
        ]
    title = _("Cut {number}, from {stamp}").format(number=number(number_), stamp=cut.begins)
    return Section(title, [verdict(found)], content)
