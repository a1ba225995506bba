"""Forecasts of a hierarchy: how they are made to sum up."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.features import Rows
from gruta.codec.series.hierarchy import Hierarchy
from gruta.codec.series.intervals import apart
from gruta.codec.series.series import Series
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.runtime.door import Asked
from gruta.tasks.forecast.split import Split

if TYPE_CHECKING:
    from gruta.tasks.trained import Trained

Values = NDArray[np.float64]

MOST_SERIES = 2_000
"""The weights of more would take the run's file beyond a hundred megabytes."""

FEWEST_MOMENTS, MOST_MOMENTS = 8, 256
"""Rolling origins that all series have, whose errors tell how to reconcile."""


def with_hierarchy(trained: "Trained[ForecastCodec]", seen: Series, split: Split) -> ForecastCodec:
    """The codec with the hierarchy of the series that training saw, as the settings have it.

    Errors are those of rolling origins up to the end of the validation part. InputError where these
    are too few. The intervals are calibrated anew, over these and over the validation part alone,
    and the wider ones taken: a short panel's training part is forecast too well.
    """
    codec, settings = trained.codec, trained.settings
    encoding, method = codec.encoding, settings.reconcile
    levels, horizon = settings.quantiles, encoding.horizon
    median = levels.index(0.5)
    hierarchy = Hierarchy.bottom_up(seen.ids, seen.parents, len(levels))
    if len(hierarchy.names) > MOST_SERIES and method != "bottom_up":
        raise InputError(
            reconcile=_("expected bottom_up for {count} series, more than {most}").format(
                count=number(len(hierarchy.names)), most=number(MOST_SERIES)
            )
        )
    rows = _moments(seen, split.ends[0], horizon, apart(horizon))
    forecast, truth = _rolled(trained, seen, rows)
    if method != "bottom_up":
        missed = (truth - forecast[..., median]).reshape(-1, rows.shape[1]).T
        weights = _weights(hierarchy, missed, method, len(rows))
        hierarchy = replace(hierarchy, weights=weights, method=method)
    begins, _ends = split.validation.runs
    firsts = np.full(seen.count, len(seen))
    firsts[seen.of(begins)] = begins
    factors, positive = hierarchy.factors, _positive(codec, seen)
    for some in (rows, _moments(seen, firsts, horizon, 1)):
        if len(some):
            forecast, truth = _rolled(trained, seen, some)
            summed = hierarchy.reconciled(forecast, median, positive=positive)
            found = hierarchy.calibrated(summed, truth, levels).factors
            factors = found if some is rows else np.maximum(factors, found)
    return replace(codec, hierarchy=replace(hierarchy, factors=factors))


def _moments(seen: Series, firsts: Rows, horizon: int, apart: int) -> Rows:
    """`[U, S]`: rows so far apart, back from the last one with a whole horizon behind it, that do
    not lie before `firsts [S]`.
    """
    last = int((seen.offsets + np.diff(seen.starts)).min()) - 1 - horizon
    steps = np.arange(last, -1, -apart)[:, None]
    rows: Rows = steps + seen.starts[:-1] - seen.offsets
    return rows[(rows >= firsts).all(1)][:MOST_MOMENTS]


def _rolled(trained: Asked[ForecastCodec], seen: Series, rows: Rows) -> tuple[Values, Values]:
    """Forecasts `[U, K, S, Q]` from rows `[U, S]`, and what came, `[U, K, S]`."""
    from gruta.tasks.forecast.forecasts import unreconciled

    steps = np.arange(1, trained.codec.encoding.horizon + 1)
    shape = (*rows.shape, len(steps), len(trained.settings.quantiles))
    found = np.empty(shape)
    if len(rows):
        found = unreconciled(trained, seen, rows.ravel()).reshape(shape)
    truth = seen.target[rows[:, None] + steps[:, None]].astype(np.float64)
    return found.swapaxes(1, 2), truth


def _weights(hierarchy: Hierarchy, missed: Values, method: str, moments: int) -> Values:
    """`[B, S]`: hierarchicalforecast's, from errors `[S, N]`."""
    from hierarchicalforecast.methods import MinTrace

    if moments < FEWEST_MOMENTS and method in ("wls_var", "mint_shrink"):
        raise InputError(
            reconcile=_(
                "expected {fewest} moments from which all series were forecast, to weigh their "
                "errors, found {found}; take wls_struct, ols or bottom_up"
            ).format(fewest=number(FEWEST_MOMENTS), found=number(moments))
        )
    # It takes the bottom last, and adds small constants to variances, whatever their unit.
    higher = np.setdiff1d(np.arange(len(hierarchy.names)), hierarchy.bottom)
    order = np.concatenate([higher, hierarchy.bottom])
    errors = np.empty((len(order), 0))
    if moments:
        errors = missed[order] / np.sqrt(np.nanmean(missed[order] ** 2))
    try:
        fitted = MinTrace(method).fit(
            hierarchy.sums[order],
            np.zeros((len(order), 1)),
            y_insample=errors,
            y_hat_insample=np.zeros_like(errors),
        )
    except Exception as error:  # it raises no other class
        if isinstance(error, TypeError | AttributeError | ImportError):
            raise
        raise InputError(
            reconcile=_(
                "the errors do not tell how to weigh these series ({error}); take wls_struct, ols "
                "or bottom_up"
            ).format(error=error)
        ) from error
    found: Values = np.empty(fitted.P.shape)
    found[:, order] = fitted.P
    return found


def _positive(codec: ForecastCodec, series: Series) -> bool:
    """Whether nothing is forecast below 0: no value was, of all series."""
    return codec.never_negative and not bool((series.target < 0).any())


@dataclass(frozen=True, eq=False)
class Reconciled:
    """Quantiles `[M, K, Q]` after and before, and which forecasts were reconciled, `[M]`: those
    from moments at which all series of the hierarchy can be forecast.
    """

    after: Values
    before: Values
    whole: NDArray[np.bool_]


def reconciled(
    trained: Asked[ForecastCodec],
    series: Series,
    origins: Rows,
    *,
    steps: int | None = None,
    carry: bool = False,
    needed: bool = False,
) -> Reconciled:
    """Forecasts after rows `origins [M]` that sum up with those of the other series at the moment.

    steps: how many, the horizon by default. needed: InputError where one cannot be forecast.
    """
    from gruta.tasks.forecast.forecasts import unreconciled

    codec, levels = trained.codec, trained.settings.quantiles
    hierarchy, encoding = codec.hierarchy, codec.encoding
    assert hierarchy is not None
    rows, moment = hierarchy.rows_at(series, origins)
    order = {name: i for i, name in enumerate(series.ids)}
    own = np.array([order[name] for name in hierarchy.names])
    first = series.starts[own] + encoding.history - 1
    last = np.minimum(
        series.ends[own] - 1, series.starts[own + 1] - 1 - (steps or encoding.horizon)
    )
    whole = ((rows >= first) & (rows <= last)).all(1)
    if needed and not whole.all():
        raise InputError(
            _(
                "{source}: expected the series of a hierarchy to end together, each with the rows "
                "that a forecast needs; give what is missing"
            ).format(source=series.source)
        )
    every = np.union1d(origins, rows[whole].ravel())
    found = unreconciled(trained, series, every, steps=steps, carry=carry)
    before = found[np.searchsorted(every, origins)]
    laid = found[np.searchsorted(every, rows[whole])].swapaxes(1, 2)  # [U, K, S, Q]
    summed = hierarchy.reconciled(
        laid, levels.index(0.5), positive=_positive(codec, series)
    ).swapaxes(1, 2)
    places = np.empty(series.count, np.int64)
    places[own] = np.arange(series.count)
    after, some = before.copy(), whole[moment]
    among = np.cumsum(whole)[moment[some]] - 1
    after[some] = summed[among, places[series.of(origins[some])]]
    return Reconciled(after, before, some)


def notes_of(found: Reconciled, method: str) -> list[str]:
    """That forecasts were reconciled, and how many could not be."""
    methods = {
        "bottom_up": _("from the lowest series"),
        "ols": _("by least squares, all series alike"),
        "wls_struct": _("by least squares, by the number of series below each"),
        "wls_var": _("by least squares, by the errors of each"),
        "mint_shrink": _("by the errors of all series together"),
    }
    notes = [
        _("Forecasts are reconciled {how}, so that they sum up ({method}).").format(
            how=methods[method], method=method
        )
    ]
    left = int((~found.whole).sum())
    if left:
        text = _("Not reconciled: {count}, as a series had too few rows at their moment.")
        notes.append(text.format(count=number(left)))
    return notes
