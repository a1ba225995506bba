"""The report of one trained forecaster."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gruta.locale import translate as _
from gruta.locale.numbers import decimals, number, percent
from gruta.report.charts import Stroke, strokes
from gruta.report.page import Column, Figure, Section, Table
from gruta.report.settings import settings_table
from gruta.report.training import gradient_figure, loss_figure
from gruta.tasks.forecast.evaluation import Evaluation
from gruta.tasks.forecast.explain import worth
from gruta.tasks.forecast.figures import (
    coverage_figures,
    error_figure,
    forecast_figures,
    nominal_share,
    score_note,
)
from gruta.tasks.forecast.names import model_name
from gruta.tasks.forecast.scores import METRICS, Difference
from gruta.tasks.forecast.settings import ForecastSettings
from gruta.tasks.report import repair_table, score_table
from gruta.tasks.task import Report

Metrics = Sequence[Mapping[str, Any]]


def report(evaluation: Evaluation, metrics: Metrics, settings: ForecastSettings) -> Report:
    """How good it is, what it forecasts, how it learned."""
    styles = strokes([settings.cell, *evaluation.baselines])
    without = report_of_training(metrics, settings)
    sections = [
        _scores(evaluation),
        _forecasts(evaluation, settings, styles),
        *without.sections,
    ]
    if evaluation.importances:
        sections.insert(2, worth.section(evaluation.importances))
    if evaluation.repairs:
        sections.insert(0, Section(_("What was mended"), (), [repair_table(evaluation.repairs)]))
    return Report(without.title, verdict(evaluation), sections)


def report_of_training(metrics: Metrics, settings: ForecastSettings) -> Report:
    """How it learned, if that is known, where nothing was held out to score it on."""
    title = _("Forecast of {target} by a {cell}").format(
        target=settings.target, cell=model_name(settings.cell)
    )
    told = Section(_("Settings"), (), [settings_table({_("value"): {settings.cell: settings}})])
    learned = [_training(metrics, settings, strokes([settings.cell]))] if metrics else []
    return Report(title, "", [*learned, told])


def verdict(evaluation: Evaluation) -> str:
    """Whether the network was worth it, in plain words; where it was not, that comes first."""
    network, *simple = evaluation.scores
    best = min(simple, key=lambda s: s.mae)
    apart = evaluation.differences[best.model]
    digits = decimals([network.mae, best.mae])
    if not apart.beyond_chance:
        compared = _(
            "Over {values} that training did not see, the {cell} did about as well as the best "
            "simple forecast: it missed by {mae} on average, {baseline} by {baseline_mae}."
        )
    elif apart.value < 0:
        compared = _(
            "Over {values} that training did not see, the {cell} missed by {mae} on average: "
            "{share} less than the best simple forecast ({baseline}, {baseline_mae})."
        )
    else:
        compared = _(
            "A simple forecast does better: over {values} that training did not see, {baseline} "
            "missed by {baseline_mae} on average, the {cell} by {mae}, {share} more."
        )
    count = evaluation.truth.size
    text = compared.format(
        values=_("{count} value" if count == 1 else "{count} values").format(count=number(count)),
        cell=model_name(network.model),
        mae=number(network.mae, digits),
        share=percent(abs(network.mae / best.mae - 1) if best.mae else None, 1),
        baseline=model_name(best.model),
        baseline_mae=number(best.mae, digits),
    )
    return f"{text} {_beaten(evaluation)}"


def _beaten(evaluation: Evaluation) -> str:
    """Which simple forecasts were better, and of which that cannot be told."""
    found = evaluation.differences
    if all(d.error is None for d in found.values()):
        return _("So few forecasts do not tell which is better.")
    better = [name for name, d in found.items() if d.beyond_chance and d.value > 0]
    alike = [name for name, d in found.items() if not d.beyond_chance]
    sentences = []
    if better:
        sentences.append(
            _(
                "It lost to: {models}. Where a simple forecast does better, use it, or give the "
                "network more history, known columns or steps of training."
            ).format(models=_listed(better))
        )
    if alike:
        alike_too = _("As good, as far as chance lets one tell: {models}.")
        sentences.append(alike_too.format(models=_listed(alike)))
    if not sentences:
        return _("It beat every simple forecast, by more than chance explains.")
    return " ".join(sentences)


def _listed(models: Iterable[str]) -> str:
    return "; ".join(map(model_name, models))


def scores(evaluation: Evaluation) -> Table:
    """A row a model, each with the colour that it has in the charts."""
    styles = strokes([s.model for s in evaluation.scores])
    count, steps = evaluation.truth.shape
    return score_table(
        evaluation.scores,
        METRICS,
        styles,
        name=model_name,
        caption=_("Scores of {count} forecasts of {steps} steps").format(
            count=number(count), steps=number(steps)
        ),
        note=score_note(nominal_share(evaluation.levels)),
    )


def _scores(evaluation: Evaluation) -> Section:
    words = [
        _(
            "The simple forecasts are the bar to clear. Naive repeats the last value; drift draws "
            "on the line from the first value to the last; seasonal naive repeats the value of "
            "one season before; linear is a least-squares model of the inputs that the network "
            "has too."
        )
    ]
    if "MSTL" in evaluation.baselines or "AutoARIMA" in evaluation.baselines:
        words.append(
            _(
                "AutoETS, AutoARIMA and MSTL are statsforecast's, fitted anew on what precedes "
                "each forecast; they know the series alone."
            )
        )
    held = _("The interval should hold {nominal} of what comes; it held {inside}.")
    told = [
        held.format(nominal=percent(band.nominal), inside=percent(band.inside, 1))
        for band in evaluation.bands
    ]
    score = evaluation.scores[0].values.get("crps")
    if score is not None:
        told.append(
            _(
                "The CRPS, twice the mean pinball loss of the quantiles, is {crps}: the lower, the "
                "narrower and the more often right they are."
            ).format(crps=number(score, decimals([score])))
        )
    words.append(" ".join(told))
    shown: list[Table | Figure] = [scores(evaluation), differences(evaluation)]
    return Section(_("How good it is"), words, [*shown, *coverage_figures(evaluation)])


def differences(evaluation: Evaluation) -> Table:
    """By how much the network's error is above each simple forecast's, and how sure that is."""
    network, *_simple = evaluation.scores
    found = evaluation.differences
    digits = decimals((d.error or abs(d.value) for d in found.values()), 2)
    rows: list[list[str | float | None]] = [
        [model_name(name), d.value, d.error, _said(d)] for name, d in found.items()
    ]
    return Table(
        [
            Column(_("simple forecast")),
            Column(_("MAE of the {cell} above its").format(cell=model_name(network.model)), digits),
            Column(_("standard error"), digits),
            Column(_("the {cell} is").format(cell=model_name(network.model))),
        ],
        rows,
        caption=_("Compared forecast by forecast"),
        note=_(
            "Below 0 the network is better. The standard error is that of the mean of the "
            "differences, of stretches of forecasts that do not overlap; better and worse are said "
            "where chance alone would give so large a difference in less than one of twenty cases."
        ),
    )


def _said(difference: Difference) -> str:
    if difference.error is None:
        return _("too few forecasts")
    if not difference.beyond_chance:
        return _("about as good")
    return _("better") if difference.value < 0 else _("worse")


def _forecasts(
    evaluation: Evaluation, settings: ForecastSettings, styles: Mapping[str, Stroke]
) -> Section:
    models = {settings.cell: evaluation.median} | evaluation.baselines
    return Section(
        _("What it forecasts"),
        (),
        [
            *forecast_figures("forecast", {settings.cell: evaluation}, settings.target),
            error_figure("error", evaluation.truth, models, styles),
        ],
    )


def _training(
    metrics: Metrics, settings: ForecastSettings, styles: Mapping[str, Stroke]
) -> Section:
    name = model_name(settings.cell)
    by_name, by_style = {name: metrics}, {name: styles[settings.cell]}
    return Section(
        _("How it learned"),
        [
            _(
                "Where the validation loss rises while the training loss goes on falling, the "
                "network learns its examples by heart. A gradient norm that leaps is an explosion "
                "of the gradient, which clipping tames; one that sinks to nearly nothing while the "
                "loss is still high is a gradient that vanishes."
            )
        ],
        [
            loss_figure("loss", by_name, by_style),
            gradient_figure("gradient", by_name, by_style, settings.clip, settings.clip_threshold),
        ],
    )
