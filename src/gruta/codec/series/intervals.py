"""Make quantiles cover what they promise, on values that training did not see.

A quantile's distance from the median is multiplied by two numbers:

    stretched = median + level · factor · (quantile − median)

The level says how far off the forecasts before this one have been, in units of the distances that
the network gave them: a series whose errors grow gets wider intervals as soon as that is seen. The
factor of each quantile is fitted once, over rolling origins, so that the right share of what came
lay below it: a split-conformal correction (Lei et al. 2018, arXiv:1604.04173) whose scores are
scaled by the quantiles' own distances (compare Romano et al. 2019, arXiv:1905.03222) and by the
level of the errors before.

Letters in shapes: M origins, K steps of the horizon, Q quantiles, J origins before each.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]
Rows = NDArray[np.int64]

LEAST_ROWS = 12
"""A miss counts half as much two horizons later, but not before so many rows have passed."""

MOST_ORIGINS, MOST_SERIES = 1024, 128
"""So many rolling origins at most, the newest of so many series, say how wide intervals are to be.
"""

_HALVINGS = 5
_OF_SEASONS = 2 * 3 * 5 * 7 * 13  # all that days, weeks and years are divided by
_AT_ONCE = 2**20


def half_life(horizon: int) -> int:
    """After how many rows a miss counts half as much."""
    return max(2 * horizon, LEAST_ROWS)


def apart(horizon: int) -> int:
    """How many rows lie between rolling origins: at most half a horizon.

    It has no divisor in common with the usual seasons, or all origins would be of the same few
    times of day or days of the week.
    """
    some = range(horizon // 2, 1, -1)
    return next((n for n in some if math.gcd(n, _OF_SEASONS) == 1), 1)


@dataclass(frozen=True, eq=False)
class Forecasts:
    """From origins `[M]`, increasing, `apart` rows from one to the next, of series whose first
    origins are `firsts [M]`; all are changes from the origin's value, scaled.

    at: forecasts `[M, K, Q]` that go so far, 0 to 1, from the linear path to the network. target:
    what came, `[M, K]`.
    """

    origins: Rows
    firsts: Rows
    at: Callable[[float], Values]
    target: Values
    apart: int = 1


def rolling(firsts: Rows, lasts: Rows, horizon: int) -> tuple[Rows, Rows]:
    """`[M]`: rolling origins of series, each from its first up to its last, which is one; and those
    first ones, `[M]`. Of very many series some, from all over them.
    """
    some = np.flatnonzero(lasts >= firsts)
    some = some[:: max(1, -(-len(some) // MOST_SERIES))]
    most = max(1, MOST_ORIGINS // max(1, len(some)))
    runs = [np.arange(lasts[i], firsts[i] - 1, -apart(horizon))[:most][::-1] for i in some]
    return np.concatenate(runs), np.repeat(firsts[some], [len(run) for run in runs])


def rows_before(horizon: int) -> Rows:
    """`[J]`: how many rows before an origin those lie whose forecasts tell its level."""
    farthest = _HALVINGS * half_life(horizon) + horizon
    return np.arange(apart(horizon), farthest + 1, apart(horizon))


def misses(forecast: Values, target: Values, quantiles: Sequence[float]) -> Values:
    """`[M, K]`: how far off the median was, over the other quantiles' mean distance from it.

    forecast `[M, K, Q]`, target `[M, K]`; NaN where that distance is 0 or the target is missing.
    """
    median = forecast[..., list(quantiles).index(0.5)]
    distance = np.abs(forecast - median[..., None]).sum(-1) / max(1, len(quantiles) - 1)
    known = (distance > 0) & np.isfinite(target)
    found: Values = np.full(target.shape, np.nan, np.float32)
    np.divide(np.abs(target - median), distance, out=found, where=known)
    return found


def levels(
    origins: Rows,
    before: Rows,
    missed: Values,
    usual: float | None = None,
    firsts: Rows | None = None,
) -> Values:
    """`[M]`: the mean miss that was known at each of `origins`, of which recent ones count more.

    firsts: `[M]`, rows before these are of another series.
    before: increasing, the rows that were forecast from; missed `[len(before), K]`, from `misses`.
    usual: joins the mean with the weight of one miss, and is the level where no miss is known; by
    default the mean miss.
    """
    horizon = missed.shape[1]
    back = rows_before(horizon)
    age = back[:, None] - np.arange(1, horizon + 1)
    weight = np.where(age >= 0, 0.5 ** (age / half_life(horizon)), 0.0)  # [J, K]
    if usual is None:
        usual = _mean(missed)
    if not len(before):
        return np.full(len(origins), usual, np.float32)
    found, some = np.empty(len(origins), np.float32), max(1, _AT_ONCE // weight.size)
    for start in range(0, len(origins), some):
        rows = origins[start : start + some, None] - back
        place = np.minimum(np.searchsorted(before, rows), len(before) - 1)
        known = before[place] == rows
        if firsts is not None:
            known &= rows >= firsts[start : start + some, None]
        miss = np.where(known[..., None], missed[place], np.nan)  # [M, J, K]
        counted = np.where(np.isfinite(miss), weight, 0.0)
        total = (counted * np.nan_to_num(miss)).sum((1, 2)) + usual
        found[start : start + some] = total / (counted.sum((1, 2)) + 1)
    return found


def spread(
    forecast: Values, target: Values, quantiles: Sequence[float], level: Values | None = None
) -> Values:
    """`[Q]`: the factor by which each quantile's distance from the median is to be stretched.

    forecast `[M, K, Q]` and target `[M, K]` are of rolling origins, level `[M]` of their levels.
    Of n targets, the one of rank ⌈(n + 1)·τ⌉ lies at the stretched quantile. Forecasts that overlap
    err alike: K steps from each of n rows in a row count as n/√K, and their ranks go up with that.
    """
    K, median = forecast.shape[1], forecast[..., list(quantiles).index(0.5)]
    size = np.ones(len(forecast)) if level is None else level
    factors = []
    for i, tau in enumerate(quantiles):
        distance = (forecast[..., i] - median) * size[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = ((target - median) / distance).ravel()
        ratio = np.sort(ratio[np.isfinite(ratio)])
        if tau == 0.5 or not len(ratio):
            factors.append(1.0)
            continue
        alike = K**1.5 / apart(K)
        rank = math.ceil((len(ratio) + alike) * max(tau, 1 - tau))
        factors.append(max(0.0, float(ratio[min(rank, len(ratio)) - 1])))
    return np.array(factors, np.float32)


def stretch(
    forecast: Values, factors: Values, quantiles: Sequence[float], level: Values | None = None
) -> Values:
    """`[M, K, Q]` with each quantile's distance from the median multiplied, and in order."""
    i = list(quantiles).index(0.5)
    median = forecast[..., i : i + 1]
    size = factors if level is None else level[:, None, None] * factors
    return np.sort(median + (forecast - median) * size, axis=-1)


def growth(
    forecast: Values, target: Values, quantiles: Sequence[float], block: int
) -> tuple[float, ...]:
    """By how much distances from the median have to grow, in each block of a forecast that was read
    back block after block; the first is 1, and none is less than the one before.

    forecast `[M, K, Q]`, target `[M, K]`. A block's own distances know of no error in what was read
    back: the factor is how far off the median was over how far off they say.
    """
    median = forecast[..., list(quantiles).index(0.5)]
    there = np.isfinite(target)
    missed = np.where(there, np.abs(target - median), 0.0).sum(0, np.float64)
    said = (np.abs(forecast - median[..., None]).sum(-1) * there).sum(0, np.float64)
    starts = np.arange(0, target.shape[1], block)
    missed, said = np.add.reduceat(missed, starts), np.add.reduceat(said, starts)
    if not (missed[0] > 0 and (said > 0).all()):
        return (1.0,) * len(starts)
    ratio = _rising(missed / said)
    return tuple((ratio / ratio[0]).tolist())


def _rising(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nearest that never falls: neighbours that do are replaced by their mean."""
    runs: list[tuple[float, int]] = []
    for value in values.tolist():
        runs.append((value, 1))
        while len(runs) > 1 and runs[-2][0] > runs[-1][0]:
            (one, n), (other, m) = runs[-2:]
            runs[-2:] = [((one * n + other * m) / (n + m), n + m)]
    return np.repeat([value for value, _ in runs], [count for _, count in runs])


def grown(
    forecast: Values, factors: Sequence[float], quantiles: Sequence[float], block: int
) -> Values:
    """`[M, K, Q]` with distances from the median as `growth` has them; in blocks beyond its last by
    the root of their number, as errors grow that add up.
    """
    if not factors:
        return forecast
    i, at = list(quantiles).index(0.5), np.arange(forecast.shape[1]) // block + 1
    beyond = np.sqrt(np.maximum(at, len(factors)) / len(factors))
    size = np.array(factors)[np.minimum(at, len(factors)) - 1] * beyond
    median = forecast[..., i : i + 1]
    found: Values = median + (forecast - median) * size.astype(np.float32)[:, None]
    return found


def optimism(missed: Values, seen: Values) -> float:
    """By how much larger misses are than those of who has seen what came, on the mean."""
    before = _mean(seen)
    return _mean(missed) / before if before > 0 else 1.0


def _mean(missed: Values) -> float:
    known = missed[np.isfinite(missed)]
    return float(known.mean()) if len(known) else 1.0
