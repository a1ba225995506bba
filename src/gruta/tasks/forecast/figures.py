"""Forecasts and their errors as tables and charts; one run's report and the demo's show them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.locale import translate as _
from gruta.locale.numbers import decimals, number, percent
from gruta.report.charts import ACCENTS, Curve, Stroke, lines
from gruta.report.page import Figure
from gruta.tasks.forecast.chart import Panel, Window, coverage, forecasts
from gruta.tasks.forecast.evaluation import Evaluation
from gruta.tasks.forecast.names import model_name

Values = NDArray[np.float64]

_STEPS_SHOWN = 192
_SHARES = np.arange(1, 100)


def score_note(nominal: float | None, judged: str = "mae") -> str:
    """What the columns of a table of scores mean; judged: the score that decides."""
    note = _(
        "MAE: mean absolute error. RMSE: root of the mean squared error, which weighs large errors "
        "more. sMAPE: the error relative to forecast and truth. MASE: MAE over that of repeating "
        "the season before, within the training part; below 1 is better than that."
    )
    if judged == "crps":
        crps = _("CRPS: twice the mean pinball loss of the quantiles, which decides here.")
        note = f"{crps} {note}"
    if nominal is None:
        return note
    return f"{note} " + _(
        "Coverage: share of the truth inside the interval, which should be {share}."
    ).format(share=percent(nominal))


def nominal_share(levels: Sequence[float]) -> float | None:
    """The share of truth that the outermost quantiles should hold; None for a lone median."""
    return levels[-1] - levels[0] if len(levels) > 1 else None


def forecast_figures(
    name: str, evaluations: Mapping[str, Evaluation], target: str, unit: str = ""
) -> list[Figure]:
    """Forecasts with their intervals over a typical stretch, a panel for each cell.

    One step ahead they lie so close to the truth that the eye cannot tell them apart: then the
    first cell stands for all, and a second chart shows how far off each is.
    """
    first = next(iter(evaluations.values()))
    rows, horizon = typical_rows(first), first.times.shape[1]
    if horizon > 1:
        shown = evaluations
        how = _("At each dotted line {horizon} steps are forecast in one go.")
    else:
        shown = dict(list(evaluations.items())[:1])
        how = _("Each value is forecast one step ahead.")
    caption = _(
        "Forecasts and actual values over a stretch with an error that is typical of the test part."
    )
    if first.series.count > 1:
        shown_series = first.series.ids[int(first.series.of(first.origins[rows[0]]))]
        caption = f"{caption} {_('The series is {name}.').format(name=shown_series)}"
    alt = _("Line charts of forecasts, with intervals, and actual values: {cells}.")
    chart = forecasts(
        first.times[rows].ravel(),
        first.truth[rows].ravel(),
        _panels(shown, rows, unit),
        _axis(target, unit),
        nominal_share(first.levels),
    )
    figure = Figure(
        name,
        f"{caption} {how.format(horizon=number(horizon))}",
        alt.format(cells=_names(shown)),
        chart,
    )
    if horizon > 1:
        return [figure]
    return [figure, _difference_figure(f"{name}-difference", evaluations, rows, unit)]


def _difference_figure(
    name: str, evaluations: Mapping[str, Evaluation], rows: NDArray[np.intp], unit: str
) -> Figure:
    """Forecasts and intervals less the truth, which so becomes the line at 0."""
    first = next(iter(evaluations.values()))
    truth = first.truth[rows].ravel()
    return Figure(
        name,
        _(
            "The same stretch, less the actual value: the black line at 0 is what came, and where "
            "the band holds it the interval was right."
        ),
        _("Line charts of forecast less actual value, with intervals: {cells}.").format(
            cells=_names(evaluations)
        ),
        forecasts(
            first.times[rows].ravel(),
            np.zeros_like(truth),
            _panels(evaluations, rows, unit, less=truth),
            _axis(_("forecast less actual"), unit),
            nominal_share(first.levels),
        ),
    )


def _names(models: Iterable[str]) -> str:
    return ", ".join(map(model_name, models))


def _panels(
    evaluations: Mapping[str, Evaluation],
    rows: NDArray[np.intp],
    unit: str,
    less: Values | None = None,
) -> list[Panel]:
    """A panel for each cell; all values `less` those `[N]` if there are any."""
    return [
        Panel(
            f"{model_name(cell)}: MAE {in_unit(_mean_error(e, rows), unit)}",
            ACCENTS[cell],
            [_joined(e, rows, less)] if less is not None else _windows(e, rows),
        )
        for cell, e in evaluations.items()
    ]


def typical_rows(evaluation: Evaluation) -> NDArray[np.intp]:
    """Consecutive windows of one series that do not overlap, their error the median among such
    stretches.
    """
    chain = _apart(evaluation)
    count = min(len(chain), max(3, _STEPS_SHOWN // evaluation.times.shape[1]))
    error = _means(np.abs(evaluation.median - evaluation.truth)[chain], 1)
    error = np.where(np.isnan(error), _means(error, None), error)
    means = np.convolve(error, np.ones(count) / count, mode="valid")
    start = int(np.argsort(means, kind="stable")[len(means) // 2])
    return chain[start : start + count]


def _apart(evaluation: Evaluation) -> NDArray[np.intp]:
    """Rows of the series with the most of them, each of which begins after the one before has
    ended.
    """
    own = evaluation.series.of(evaluation.origins)
    of_one = np.flatnonzero(own == np.bincount(own).argmax())
    starts, ends = evaluation.times[of_one, 0], evaluation.times[of_one, -1]
    rows = [0]
    while (following := int(np.searchsorted(starts, ends[rows[-1]], side="right"))) < len(starts):
        rows.append(following)
    return of_one[rows]


def _windows(evaluation: Evaluation, rows: NDArray[np.intp]) -> list[Window]:
    """A window for each row; forecasts of one step are joined, as a point makes no line."""
    if evaluation.times.shape[1] == 1:
        return [_joined(evaluation, rows)]
    return [_joined(evaluation, rows[i : i + 1]) for i in range(len(rows))]


def _joined(evaluation: Evaluation, rows: NDArray[np.intp], less: Values | None = None) -> Window:
    base = 0.0 if less is None else less
    interval = len(evaluation.levels) > 1
    quantiles = evaluation.quantiles[rows]
    return Window(
        evaluation.times[rows].ravel(),
        evaluation.median[rows].ravel() - base,
        quantiles[..., 0].ravel() - base if interval else None,
        quantiles[..., -1].ravel() - base if interval else None,
    )


def _mean_error(evaluation: Evaluation, rows: NDArray[np.intp]) -> float:
    return float(_means(np.abs(evaluation.median - evaluation.truth)[rows], None))


def _means(values: Values, axis: int | None) -> Any:
    """Of what is there; NaN where nothing is."""
    there = ~np.isnan(values)
    counts = np.asarray(there.sum(axis))
    totals = np.where(there, values, 0.0).sum(axis)
    return np.divide(totals, counts, out=np.full(counts.shape, np.nan), where=counts > 0)


def error_figure(
    name: str,
    truth: Values,
    models: Mapping[str, Values],
    strokes: Mapping[str, Stroke],
    unit: str = "",
) -> Figure:
    """Errors of each model's forecast `[M, K]`: by step ahead, or for one step their spread."""
    errors = {model: np.abs(values - truth) for model, values in models.items()}
    if truth.shape[1] == 1:
        return _spread_figure(name, errors, strokes, unit)
    return _steps_figure(name, errors, strokes, unit)


def _steps_figure(
    name: str, errors: Mapping[str, Values], strokes: Mapping[str, Stroke], unit: str
) -> Figure:
    by_step = {model: _means(e, 0) for model, e in errors.items()}
    steps = np.arange(1.0, len(next(iter(by_step.values()))) + 1)
    return Figure(
        name,
        _(
            "Mean absolute error by how far ahead the forecast looks, on a logarithmic scale; "
            "lower is better."
        ),
        _("Line chart of the error by step ahead. At the last step: {errors}.").format(
            errors=_each({model: float(e[-1]) for model, e in by_step.items()}, unit)
        ),
        lines(
            [Curve(model_name(m), steps, e, strokes[m]) for m, e in by_step.items()],
            _("steps ahead"),
            _axis(_("mean absolute error"), unit),
            log=all((e > 0).all() for e in by_step.values()),
        ),
    )


def _spread_figure(
    name: str, errors: Mapping[str, Values], strokes: Mapping[str, Stroke], unit: str
) -> Figure:
    spread = {model: np.nanpercentile(e, _SHARES) for model, e in errors.items()}
    half = _each({m: float(e[len(_SHARES) // 2]) for m, e in spread.items()}, unit)
    return Figure(
        name,
        _(
            "Errors from the smallest to the largest, on a logarithmic scale: at 90, nine of ten "
            "forecasts miss by less than the curve's height; lower is better."
        ),
        _("Line chart of the errors in order of size. Half of them are below: {errors}.").format(
            errors=half
        ),
        lines(
            [
                Curve(model_name(m), _SHARES.astype(float), np.where(e > 0, e, np.nan), strokes[m])
                for m, e in spread.items()
            ],
            _("share of the forecasts (%)"),
            _axis(_("absolute error below"), unit),
            log=True,
        ),
    )


def coverage_figures(evaluation: Evaluation) -> list[Figure]:
    """The share of the truth inside each interval by step; none of a single step or interval."""
    bands = evaluation.bands
    if not bands or evaluation.truth.shape[1] == 1:
        return []
    least = "; ".join(
        _("{nominal}: from {least} to {most}").format(
            nominal=percent(band.nominal),
            least=percent(float(band.by_step.min())),
            most=percent(float(band.by_step.max())),
        )
        for band in bands
    )
    return [
        Figure(
            "coverage",
            _(
                "Share of the truth inside the interval by how far ahead the forecast looks, with "
                "its standard error; dashed, what it should be."
            ),
            _("Line chart of the share of the truth inside the interval. {shares}.").format(
                shares=least
            ),
            coverage(
                [
                    (band.nominal, band.by_step, band.errors)
                    for band in sorted(bands, key=lambda band: -band.nominal)
                ],
                ACCENTS[evaluation.scores[0].model],
            ),
        )
    ]


def _each(values: Mapping[str, float], unit: str) -> str:
    return "; ".join(f"{model_name(model)} {in_unit(v, unit)}" for model, v in values.items())


def in_unit(value: float, unit: str, digits: int | None = None) -> str:
    """A value with its unit, which stay on one line."""
    text = number(value, decimals([value]) if digits is None else digits)
    return f"{text}\u00a0{unit}" if unit else text


def _axis(quantity: str, unit: str) -> str:
    return f"{quantity} ({unit})" if unit else quantity
