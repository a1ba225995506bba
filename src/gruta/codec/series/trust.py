"""How far a forecast goes from the linear path to the network, as the validation part has it."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]

SHARES = (1.0, 0.75, 0.5, 0.25)


def trust(forecast: Values, linear: Values, target: Values, quantiles: Sequence[float]) -> float:
    """The largest share of the way from `linear` to `forecast` that is sure to pay.

    forecast `[M, K, Q]` are quantiles, 0.5 among them, all of which move by as much as the median;
    linear `[M, K]` and target `[M, K]`, of which what is missing is NaN. It pays if the mean gain
    in the quantiles' loss is more than its standard error; 0 where none does. The origins are
    neighbours.
    """
    there = ~np.isnan(target)
    some = there.any(1)
    target, counts = np.where(there, target, linear)[some], there[some].sum(1)
    level, median = np.asarray(quantiles, np.float32), forecast[..., list(quantiles).index(0.5)]
    apart = (forecast - median[..., None])[some]

    def missed(share: float) -> Values:
        way = (linear + share * (median - linear))[some]
        off = (target - way)[..., None] - apart
        loss = 2 * np.where(off >= 0, level * off, (level - 1) * off).mean(-1)
        found: Values = (loss * there[some]).sum(1) / counts
        return found

    at_first = missed(0.0)
    for share in SHARES:
        gained = at_first - missed(share)
        if float(gained.mean()) > standard_error(gained, target.shape[1]):
            return share
    return 0.0


def standard_error(values: Values, overlap: int) -> float:
    """Of the mean of values `[M]` that forecasts of `overlap` steps gave, each a row later.

    They count for as many as lie side by side; of a single one nothing is known.
    """
    count = len(values)
    if count < 2:
        return math.inf
    return float(values.std(ddof=1)) * math.sqrt(min(overlap, count) / count)
