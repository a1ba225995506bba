"""How far a forecast goes from the linear path to the network, as the validation part has it."""

import math

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]

SHARES = (1.0, 0.75, 0.5, 0.25)
LEAST = SHARES[-1]
"""Nearly half of what a network is worth is had so near to the linear path, and little is lost."""

SURE = 2
"""The weights were chosen on the same rows, so a gain there is flattering."""


def trust(forecast: Values, linear: Values, target: Values) -> float:
    """The largest share of the way from `linear` to `forecast`, both `[M, K]`, that is sure to pay;
    where none is, the least, if it pays at all.

    It pays by the mean gain in absolute error, surely if that is more than `SURE` standard errors
    over two stretches of K forecasts or more. Less than one stretch shows nothing, and gives 0.
    forecast, linear and target are of neighbouring origins; what is missing of target is NaN.
    """
    there, horizon = ~np.isnan(target), target.shape[1]
    some = there.any(1)
    target, counts = np.where(there, target, linear)[some], there[some].sum(1)

    def missed(share: float) -> Values:
        way = (linear + share * (forecast - linear))[some]
        found: Values = (np.abs(target - way) * there[some]).sum(1) / counts
        return found

    at_first = missed(0.0)
    if len(at_first) < max(2, horizon):
        return 0.0
    for share in SHARES:
        gained = at_first - missed(share)
        error = standard_error(gained, horizon)
        if len(gained) >= 2 * horizon and gained.mean() > SURE * error:
            return share
    return LEAST if gained.mean() > 0 else 0.0


def standard_error(values: Values, overlap: int) -> float:
    """Of the mean of values `[M]` that forecasts of `overlap` steps gave, each a row later.

    They count for as many as lie side by side; of a single one nothing is known.
    """
    count = len(values)
    if count < 2:
        return math.inf
    return float(values.std(ddof=1)) * math.sqrt(min(overlap, count) / count)
