"""The report of one trained forecaster."""

from collections.abc import Mapping, Sequence
from typing import Any

from gruta.locale import translate as _
from gruta.locale.numbers import decimals, number, percent
from gruta.report.charts import Stroke, strokes
from gruta.report.page import Section, Table
from gruta.report.settings import settings_table
from gruta.report.training import gradient_figure, loss_figure
from gruta.tasks.forecast.evaluation import Evaluation
from gruta.tasks.forecast.figures import (
    error_figure,
    forecast_figures,
    nominal_share,
    score_note,
)
from gruta.tasks.forecast.names import model_name
from gruta.tasks.forecast.scores import METRICS
from gruta.tasks.forecast.settings import ForecastSettings
from gruta.tasks.report import score_table
from gruta.tasks.task import Report

Metrics = Sequence[Mapping[str, Any]]


def report(evaluation: Evaluation, metrics: Metrics, settings: ForecastSettings) -> Report:
    """How good it is, what it forecasts, how it learned."""
    styles = strokes([settings.cell, *evaluation.baselines])
    title = _("Forecast of {target} by a {cell}").format(
        target=settings.target, cell=model_name(settings.cell)
    )
    sections = [
        _scores(evaluation),
        _forecasts(evaluation, settings, styles),
        _training(metrics, settings, styles),
        Section(_("Settings"), (), [settings_table({_("value"): {settings.cell: settings}})]),
    ]
    return Report(title, verdict(evaluation), sections)


def verdict(evaluation: Evaluation) -> str:
    """Whether the network was worth it, in plain words."""
    network, *simple = evaluation.scores
    best = min(simple, key=lambda s: s.mae)
    digits = decimals([network.mae, best.mae])
    if network.mae < best.mae:
        compared = _(
            "Over {values} that training did not see, the {cell} missed by {mae} on average: "
            "{share} less than the best simple forecast ({baseline}, {baseline_mae})."
        )
    else:
        compared = _(
            "Over {values} that training did not see, the {cell} missed by {mae} on average: "
            "{share} more than the best simple forecast ({baseline}, {baseline_mae})."
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
    if not evaluation.lost_to:
        return _("It beat every simple forecast, in sMAPE and in MAE.")
    return _(
        "It lost, in sMAPE or in MAE, to: {models}. Where a simple forecast does better, use it, "
        "or give the network more history, known columns or steps of training."
    ).format(models="; ".join(map(model_name, evaluation.lost_to)))


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
    nominal = nominal_share(evaluation.levels)
    words = [
        _(
            "The simple forecasts are the bar to clear. Naive repeats the last value; drift draws "
            "on the line from the first value to the last; seasonal naive repeats the value of "
            "one season before; linear is a least-squares model of the inputs that the network "
            "has too."
        )
    ]
    inside = evaluation.scores[0].coverage
    if nominal is not None and inside is not None:
        words.append(
            _("The interval should hold {nominal} of what comes; it held {inside}.").format(
                nominal=percent(nominal), inside=percent(inside, 1)
            )
        )
    return Section(_("How good it is"), words, [scores(evaluation)])


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
