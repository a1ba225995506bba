"""The demo's report: what was asked, what came of it, and how the three cells learned."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gruta.demo.results import JobResult
from gruta.locale import translate as _
from gruta.locale.numbers import decimals, number, percent
from gruta.report.charts import Stroke, strokes
from gruta.report.page import Code, Figure, Section, Table, write
from gruta.report.settings import settings_table
from gruta.report.training import gradient_figure, loss_figure
from gruta.tasks.forecast.figures import (
    error_figure,
    forecast_figures,
    in_unit,
    nominal_share,
    score_note,
)
from gruta.tasks.forecast.names import model_name
from gruta.tasks.forecast.scores import METRICS
from gruta.tasks.report import score_table

UNIT = "GW"


def write_report(directory: Path, jobs: Sequence[JobResult]) -> Path:
    """Write the report on all jobs into `directory`; the path of its page (OSError)."""
    sections = [
        _asked(),
        *(_job(job) for job in jobs),
        _learning(jobs),
        _settings(jobs),
        Section(
            _("Do it again"),
            [_("On one machine, the same command gives the same scores.")],
            [Code("make demo")],
        ),
    ]
    lead = " ".join(f"{_(job.title)}: {_verdict(job)}" for job in jobs)
    title = _("GRU, LSTM and RNN forecast electricity demand")
    return write(directory, title, lead, sections)


def _asked() -> Section:
    return Section(
        _("What was asked"),
        [
            _(
                "The data is the demand for electricity in Victoria, Australia, in each half-hour "
                "of 2014, in gigawatts. The first 80% of the year is for training, the next 10% "
                "for validation, and the last 10% for the test: what you read here was measured on "
                "those weeks, which no model has learned from."
            ),
            _(
                "A network reads two days of demand and forecasts what follows. It is told two "
                "things about the steps to come: whether they fall on a working day, and the "
                "temperature. The temperature is the one that was measured later, as if the "
                "weather forecast were perfect; with a real one all errors would be larger."
            ),
            _(
                "The three cells have the same budget: as many steps of training and about as many "
                "parameters. Each adds to a linear model of the same inputs what that one cannot "
                "see."
            ),
            _(
                "Beside them stand forecasts without a network. Naive repeats the last value. "
                "Drift draws on the line from the first value to the last. Seasonal naive repeats "
                "the day before (48 steps) or the week before (336). Linear is the linear model "
                "inside the networks, alone. Rich linear is the best linear model that we made by "
                "hand, with the time of day, kinks in the effect of temperature, and the week "
                "before: it shows how far one gets by knowing the data well."
            ),
        ],
    )


def _verdict(job: JobResult) -> str:
    """The best network against the best of the others, in a sentence."""
    networks = [score for score in job.scores if score.model in job.evaluations]
    others = [score for score in job.scores if score.model not in job.evaluations]
    network, other = min(networks, key=lambda s: s.mae), min(others, key=lambda s: s.mae)
    if network.mae < other.mae:
        text = _(
            "the {cell} does best of the networks and misses by {mae} on average, {share} less "
            "than the best forecast without a network ({other}, {other_mae})."
        )
    else:
        text = _(
            "the {cell} does best of the networks and misses by {mae} on average, {share} more "
            "than the best forecast without a network ({other}, {other_mae})."
        )
    digits = decimals([network.mae, other.mae])
    return text.format(
        cell=model_name(network.model),
        mae=in_unit(network.mae, UNIT, digits),
        share=percent(abs(network.mae / other.mae - 1), 1),
        other=model_name(other.model),
        other_mae=in_unit(other.mae, UNIT, digits),
    )


def _job(job: JobResult) -> Section:
    first = next(iter(job.evaluations.values()))
    nominal = nominal_share(first.levels)
    medians = {cell: evaluation.median for cell, evaluation in job.evaluations.items()}
    models = medians | first.baselines | {job.rich.model: job.rich_forecast}
    styles = strokes(models)
    windows, horizon = first.truth.shape
    words = [
        _("{windows} forecasts of {horizon} half-hours each, one after the other.").format(
            windows=number(windows), horizon=number(horizon)
        )
        if horizon > 1
        else _("{windows} forecasts, each of the half-hour that comes next.").format(
            windows=number(windows)
        ),
        _losses(job),
    ]
    return Section(
        _(job.title),
        words,
        [
            score_rows(job, _("Scores on the test part"), score_note(nominal)),
            *forecast_figures(f"{job.key}-forecast", job.evaluations, _("demand"), UNIT),
            error_figure(f"{job.key}-error", first.truth, models, styles, UNIT),
        ],
    )


def score_rows(job: JobResult, caption: str, note: str = "") -> Table:
    """A row a model, each with the colour that it has in the charts."""
    return score_table(
        job.scores,
        METRICS,
        strokes([s.model for s in job.scores]),
        name=model_name,
        unit=UNIT,
        caption=caption,
        note=note,
    )


def _losses(job: JobResult) -> str:
    """Which simple model does better than which network."""
    if not job.lost_to:
        return _("Every network beats every forecast without one, in sMAPE.")
    return " ".join(
        _("The {cell} loses in sMAPE to: {models}.").format(
            cell=model_name(cell), models="; ".join(map(model_name, better))
        )
        for cell, better in job.lost_to.items()
    )


def _learning(jobs: Sequence[JobResult]) -> Section:
    return Section(
        _("How they learned"),
        [
            _(
                "The loss is what training lowers. The thin line is the loss of the batch just "
                "learned from; the dots are the loss on the validation part, which picks the "
                "weights that are kept, the penalty of the linear path and how far the intervals "
                "are stretched, and teaches nothing else. While both fall, what is learned holds "
                "beyond the examples. Where the line goes on falling and the dots rise, the "
                "network learns its examples by heart."
            ),
            _(
                "In backpropagation through time the gradient is a product along the chain of "
                "steps. Over a long sequence such a product tends to shrink or to grow "
                "exponentially: the gradient vanishes, and the early steps teach nothing, or it "
                "explodes, and one step of training throws the weights far off. The plain RNN "
                "replaces its whole hidden state at every step. GRU and LSTM keep most of their "
                "state and add to it, and along that sum the error flows back further before it "
                "fades."
            ),
            _(
                "The second picture of each job shows the length of the gradient, its norm, before "
                "clipping. Gradient clipping by norm scales a gradient that is longer than the "
                "threshold (dashed) back to it: the direction stays, only the magnitude changes, "
                "so a leap above the dashed line cannot throw training off. A curve that sinks to "
                "nearly nothing while the loss is still high would be a gradient that vanishes."
            ),
        ],
        [figure for job in jobs for figure in _training_figures(job)],
    )


def _training_figures(job: JobResult) -> list[Figure]:
    by_name = {model_name(cell): records for cell, records in job.metrics.items()}
    styles: Mapping[str, Stroke] = {
        model_name(cell): stroke for cell, stroke in strokes(job.metrics).items()
    }
    # The cells differ in nothing that has to do with clipping.
    settings = next(iter(job.settings.values()))
    figures = (
        loss_figure(f"{job.key}-loss", by_name, styles),
        gradient_figure(
            f"{job.key}-gradient", by_name, styles, settings.clip, settings.clip_threshold
        ),
    )
    return [replace(f, caption=f"{_(job.title)}. {f.caption}") for f in figures]


def _settings(jobs: Sequence[JobResult]) -> Section:
    return Section(
        _("Settings"), (), [settings_table({_(job.title): job.settings for job in jobs})]
    )
