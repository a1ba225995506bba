"""The report of one trained forecaster."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gruta.locale import translate as _
from gruta.locale.numbers import decimals, number, percent
from gruta.report.charts import Stroke, strokes
from gruta.report.page import Column, Figure, Section, Table
from gruta.report.settings import settings_table
from gruta.report.training import gradient_figure, loss_figure
from gruta.tasks.forecast.by_level import levels_of
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
from gruta.tasks.forecast.scores import Difference
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
    if evaluation.reconciled is not None:
        sections.insert(1, _hierarchy(evaluation))
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
    judged = evaluation.judged
    best = min(simple, key=lambda s: s.values[judged] or 0.0)
    own, others = network.values[judged] or 0.0, best.values[judged] or 0.0
    apart = evaluation.differences[best.model]
    digits = decimals([own, others])
    if judged == "crps":
        compared = _compared_by_crps(apart)
    elif not apart.beyond_chance:
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
        share=percent(abs(own / others - 1) if others else None, 1),
        baseline=model_name(best.model),
        **{judged: number(own, digits), f"baseline_{judged}": number(others, digits)},
    )
    return " ".join(
        [
            *_of_zeros(evaluation),
            text,
            _beaten(evaluation),
            *_together(evaluation),
            *_moved(evaluation),
        ]
    )


def _of_zeros(evaluation: Evaluation) -> list[str]:
    """Why the CRPS decides, where it does."""
    if evaluation.judged != "crps":
        return []
    text = _(
        "{share} of the values that training saw are 0: a forecast of nothing has a low absolute "
        "error there, and MAE, MASE and sMAPE mislead, so the CRPS decides, of all quantiles."
    )
    return [text.format(share=percent(evaluation.zeros))]


def _compared_by_crps(apart: Difference) -> str:
    if not apart.beyond_chance:
        return _(
            "Over {values} that training did not see, the {cell} did about as well as the best "
            "simple forecast: its CRPS is {crps}, that of {baseline} {baseline_crps}."
        )
    if apart.value < 0:
        return _(
            "Over {values} that training did not see, the CRPS of the {cell} is {crps}: {share} "
            "less than that of the best simple forecast ({baseline}, {baseline_crps})."
        )
    return _(
        "A simple forecast does better: over {values} that training did not see, the CRPS of "
        "{baseline} is {baseline_crps}, that of the {cell} {crps}, {share} more."
    )


def _together(evaluation: Evaluation) -> list[str]:
    """What the mean of several networks is worth."""
    judged = evaluation.judged
    errors = [one.values[judged] or 0.0 for one in evaluation.members]
    if not errors:
        return []
    digits = decimals([evaluation.scores[0].values[judged] or 0.0, *errors])
    told = (
        _("It is the mean of {count} networks, which missed by {least} to {most} alone.")
        if judged == "mae"
        else _("It is the mean of {count} networks, whose CRPS alone is {least} to {most}.")
    )
    return [
        told.format(
            count=number(len(errors)),
            least=number(min(errors), digits),
            most=number(max(errors), digits),
        )
    ]


def _moved(evaluation: Evaluation) -> Iterator[str]:
    """What reconciling did to the errors of a hierarchy."""
    levels = levels_of(evaluation)
    if not levels:
        return
    changes = _("{before} before and {after} after at level {level}")
    each = [
        changes.format(
            level=number(level.depth + 1),
            before=number(level.before, decimals([level.before])),
            after=number(level.after, decimals([level.after])),
        )
        for level in levels
    ]
    text = _("Reconciled from the top, level 1, down, the mean absolute errors are {changes}.")
    yield text.format(changes="; ".join(each))


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
        evaluation.metrics,
        styles,
        name=model_name,
        caption=_("Scores of {count} forecasts of {steps} steps").format(
            count=number(count), steps=number(steps)
        ),
        note=score_note(nominal_share(evaluation.levels), evaluation.judged),
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
    if evaluation.judged == "crps":
        words.append(
            _(
                "Here they have quantiles too, by how far off each was before, step by step; past "
                "values are the quantiles of all that a series was so far."
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
    if evaluation.members:
        shown.append(_members(evaluation))
    return Section(_("How good it is"), words, [*shown, *coverage_figures(evaluation)])


def _members(evaluation: Evaluation) -> Table:
    """A row for all networks together, then one for each."""
    all_ = evaluation.scores[0]
    return score_table(
        [all_, *evaluation.members],
        evaluation.metrics,
        strokes([all_.model, *(one.model for one in evaluation.members)]),
        name=model_name,
        caption=_("The mean of the networks, and each alone"),
        note=_(
            "A network is called by its strategy and its seed; each is a run of its own in the "
            "folder members."
        ),
    )


def differences(evaluation: Evaluation) -> Table:
    """By how much the network's error is above each simple forecast's, and how sure that is."""
    network, *_simple = evaluation.scores
    found = evaluation.differences
    by_crps = evaluation.judged == "crps"
    title = _("CRPS of the {cell} above its") if by_crps else _("MAE of the {cell} above its")
    digits = decimals((d.error or abs(d.value) for d in found.values()), 2)
    rows: list[list[str | float | None]] = [
        [model_name(name), d.value, d.error, _said(d)] for name, d in found.items()
    ]
    return Table(
        [
            Column(_("simple forecast")),
            Column(title.format(cell=model_name(network.model)), digits),
            Column(_("standard error"), digits),
            Column(_("the {cell} is").format(cell=model_name(network.model))),
        ],
        rows,
        caption=_("Compared forecast by forecast"),
        note=_(
            "Below 0 the network is better. The standard error is that of the mean of the "
            "differences, by stretches of time that do not overlap, in which all series count as "
            "one; better and worse are said where chance alone would give so large a difference in "
            "less than one of twenty cases."
        ),
    )


def by_level(evaluation: Evaluation) -> Table:
    """The error at each level of a hierarchy before and after reconciling."""
    levels = levels_of(evaluation)
    digits = decimals([mae for level in levels for mae in (level.before, level.after)])
    rows: list[list[str | float | None]] = [
        [
            number(level.depth + 1),
            float(level.series),
            level.before,
            level.after,
            level.change.error,
            _said(level.change),
        ]
        for level in levels
    ]
    return Table(
        [
            Column(_("level")),
            Column(_("series at it"), 0),
            Column(_("MAE before"), digits),
            Column(_("MAE after"), digits),
            Column(_("standard error"), digits),
            Column(_("reconciled it is")),
        ],
        rows,
        caption=_("Before and after reconciling"),
        note=_(
            "Level 1 is the top. The standard error is that of the difference, by stretches of "
            "time."
        ),
    )


def _hierarchy(evaluation: Evaluation) -> Section:
    words = _(
        "Each series was forecast for itself; then the forecasts were moved as little as their "
        "errors allow, so that those of the series below sum up to that above. The simple "
        "forecasts are as they were."
    )
    return Section(_("What reconciling was worth"), [words], [by_level(evaluation)])


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
    target = evaluation.series.columns.target
    return Section(
        _("What it forecasts"),
        (),
        [
            *forecast_figures("forecast", {settings.cell: evaluation}, target),
            error_figure("error", evaluation.truth, models, styles),
        ],
    )


def by_network(
    metrics: Metrics, name: str, stroke: Stroke
) -> tuple[dict[str, Metrics], dict[str, Stroke]]:
    """The records of a training, and how they are drawn, by the name of the network; those of an
    ensemble by the names of its members.
    """
    members = list(dict.fromkeys(r["member"] for r in metrics if "member" in r))
    if not members:
        return {name: metrics}, {name: stroke}
    return {one: [r for r in metrics if r["member"] == one] for one in members}, strokes(members)


def _training(
    metrics: Metrics, settings: ForecastSettings, styles: Mapping[str, Stroke]
) -> Section:
    by_name, by_style = by_network(metrics, model_name(settings.cell), styles[settings.cell])
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
