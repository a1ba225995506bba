"""The rows to come: as many as the horizon has, and what is known of them.

Where the file lacks some of that, the setting `missing_known` says how to go on.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.encoding import Encoding
from gruta.codec.series.features import Rows
from gruta.codec.series.frequency import show
from gruta.codec.series.series import Series, carried
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number

Values = NDArray[np.floating]


def with_rows_to_come(
    series: Series, encoding: Encoding, missing_known: str, steps: int | None = None
) -> Series:
    """`series` with a horizon of rows or more after the last one of each that has a target, and
    all that is known beforehand in these.

    steps: how many are forecast, the horizon by default. missing_known: the policy of that name.
    InputError where fewer rows than a forecast needs have a target, or what is known of those to
    come lacks and the policy is to refuse it.
    """
    history, horizon = encoding.history, steps or encoding.horizon
    observed = series.ends - series.starts[:-1]
    if observed.min() < history:
        problem = _(
            "{source}{which}: {count} rows with a target, but a forecast needs the last {history}; "
            "give a longer history"
        )
        raise InputError(
            problem.format(
                source=series.source,
                which=_of(series, observed),
                count=number(int(observed.min())),
                history=history,
            )
        )
    series, there = _lengthened(series, max(horizon, encoding.horizon))
    if not series.columns.known:
        return series
    ahead = series.ends[:, None] + np.arange(horizon)
    known = series.known.copy()
    for i, name in enumerate(series.columns.known):
        lacking = np.zeros(len(series), bool)
        lacking[ahead] = np.isnan(known[ahead, i])
        if name in series.words:  # where there is a row, no text is a text of its own
            lacking &= ~there
        if not lacking.any():
            continue
        if missing_known == "error":
            _refuse(series, name, np.flatnonzero(lacking), horizon)
        if missing_known == "season":
            _from_season(known[:, i], np.flatnonzero(lacking), encoding.seasons, series)
        known[lacking, i] = carried(known[:, i], series.starts)[lacking]
    unasked = series.ends[:, None] + np.arange(horizon, encoding.horizon)
    known[unasked] = np.nan_to_num(known[unasked])  # a network says more steps than are wanted
    return replace(series, known=known)


def _refuse(series: Series, name: str, rows: Rows, horizon: int) -> NoReturn:
    stamp = show(series.times_at(rows[:1])[0], series.frequency)
    own = series.ids[int(series.of(rows[:1])[0])]
    raise InputError(
        _(
            "{source}: column {name!r}: expected a value for each of the {horizon} steps to come, "
            "in rows with an empty target; found none at {place} ({count} in all); fill it in"
        ).format(
            source=series.source,
            name=name,
            horizon=horizon,
            place=f"{stamp} ({own})" if own else stamp,
            count=len(rows),
        ),
        missing_known=_("hold or season, to go on without it"),
    )


def _from_season(values: Values, rows: Rows, seasons: Sequence[int], series: Series) -> None:
    """Put the values of the shortest season before into these rows, which increase, where their
    series reach back so far.
    """
    if not seasons:
        raise InputError(
            missing_known=_("'season' needs one, and this forecaster has found none; take hold")
        )
    firsts = series.starts[series.of(rows)]
    for row in rows[rows - seasons[0] >= firsts]:
        values[row] = values[row - seasons[0]]


def _lengthened(series: Series, horizon: int) -> tuple[Series, NDArray[np.bool_]]:
    """With so many rows behind the last target of each, in which all is missing but their stamps;
    and which rows were there.
    """
    lacking = np.maximum(horizon - (series.starts[1:] - series.ends), 0)
    if not lacking.any():
        return series, np.ones(len(series), bool)
    lengths = np.diff(series.starts)
    starts = np.concatenate([[0], (lengths + lacking).cumsum()])
    at = np.arange(len(series)) + np.repeat(starts[:-1] - series.starts[:-1], lengths)
    there = np.zeros(starts[-1], bool)
    there[at] = True
    longer = replace(
        series,
        target=_spread(series.target, at, starts[-1]),
        known=_spread(series.known, at, starts[-1]),
        past=_spread(series.past, at, starts[-1]),
        starts=starts,
        stamps=None if series.stamps is None else _longer(series, lacking),
    )
    return longer, there


def _of(series: Series, sizes: Rows) -> str:
    """Which series is the smallest, for a message; "" for one without a name."""
    name = series.ids[int(sizes.argmin())]
    return _(": series {name!r}").format(name=name) if name else ""


def _spread(values: NDArray[np.floating], at: Rows, rows: int) -> NDArray[np.floating]:
    """Values `[N, …]` in rows `at [N]`, NaN in the others."""
    found = np.full((rows, *values.shape[1:]), np.nan)
    found[at] = values
    return found


def _longer(series: Series, lacking: Rows) -> NDArray[np.datetime64]:
    """The stamps of each series, and behind them so many more."""
    assert series.stamps is not None
    parts = []
    for first, end, more in zip(series.starts, series.starts[1:], lacking, strict=False):
        own = series.stamps[first:end]
        parts += [own, series.frequency.after(own[-1], int(more))]
    return np.concatenate(parts)
