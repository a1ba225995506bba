"""The transform of Box and Cox (1964), by which values that grow with their level vary evenly.

z = (y^λ − 1) / λ, and log y for λ = 0
"""

import math

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.frequency import show
from gruta.codec.series.series import Series
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number

Values = NDArray[np.floating]

LARGEST = 1e150
"""Nothing beyond is given back: a forecast in logarithms can lie past all numbers."""

_LEAST, _MOST = 0.0, 2.0
"""Below 0 the transformed values have an upper bound, which a forecast may lie beyond."""

_MOST_SERIES, _MOST_ROWS = 128, 2**14
_GOLDEN = (math.sqrt(5) - 1) / 2


def transformed(y: Values, power: float) -> NDArray[np.float64]:
    """z of values `[...]` above 0; NaN stays."""
    logs = np.log(np.asarray(y, np.float64))
    return logs if power == 0 else np.expm1(power * logs) / power


def restored(z: NDArray[np.float64], power: float) -> NDArray[np.float64]:
    """y of values `[...]`; 0 where z lies below all that there is."""
    most = math.log(LARGEST)
    if power == 0:
        return np.exp(np.minimum(z, most))
    inside = np.maximum(power * z, -1.0)
    with np.errstate(divide="ignore"):
        found: NDArray[np.float64] = np.exp(np.minimum(np.log1p(inside) / power, most))
    return found


def likeliest_power(train: Series) -> float:
    """λ between 0 and 2 of the greatest likelihood, to two decimals, for series each of which is
    normal once transformed.
    """
    longest = np.argsort(-np.diff(train.starts), kind="stable")[:_MOST_SERIES]
    logs = []
    for i in longest:
        own = train.target[train.starts[i] : train.starts[i + 1]][-_MOST_ROWS:]
        own = np.log(own[~np.isnan(own)].astype(np.float64))
        if len(own) > 1 and np.ptp(own) > 0:
            logs.append(own)

    def likelihood(power: float) -> float:
        found = 0.0
        for own in logs:
            centred = own - own.mean()  # another unit of y, which changes z by a line alone
            z = centred if power == 0 else np.expm1(power * centred) / power
            found -= len(own) / 2 * math.log(z.var()) - (power - 1) * centred.sum()
        return found

    low, high = _LEAST, _MOST
    while high - low > 1e-3:
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        low, high = (low, right) if likelihood(left) >= likelihood(right) else (left, high)
    return round((low + high) / 2, 2)


def require_positive(series: Series) -> None:
    """InputError that names the first value that has no logarithm."""
    wrong = series.target <= 0
    if wrong.any():
        row = int(wrong.argmax())
        name = series.ids[int(series.of(np.array([row]))[0])]
        stamp = show(series.times_at(np.array([row]))[0], series.frequency)
        raise InputError(
            _(
                "{source}: column {column!r}: expected values above 0, as the setting transform "
                "needs them, found {value} at {stamp}"
            ).format(
                source=series.source,
                column=series.columns.target,
                value=number(series.target[row]),
                stamp=stamp,
            )
            + (f" ({name})" if name else "")
            + _("; take transform none, or add to the column")
        )
