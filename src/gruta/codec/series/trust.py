"""How far a forecast goes from the linear path to the network, as the validation part has it."""

import math

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]

SHARES = (0.25, 0.5, 0.75, 1.0)


def trust(forecast: Values, linear: Values, target: Values) -> float:
    """The share of the way from `linear` to `forecast`, both `[M, K]`, that is surest to pay.

    That is the one whose mean gain in absolute error, less its standard error, is the largest; 0
    where none gains more than noise. forecast, linear and target are of neighbouring origins.
    """
    at_first = np.abs(target - linear).mean(1)
    found, most = 0.0, 0.0
    for share in SHARES:
        gained = at_first - np.abs(target - linear - share * (forecast - linear)).mean(1)
        surely = float(gained.mean()) - standard_error(gained, target.shape[1])
        if surely > most:
            found, most = share, surely
    return found


def standard_error(values: Values, overlap: int) -> float:
    """Of the mean of values `[M]` that forecasts of `overlap` steps gave, each a row later.

    They count for as many as lie side by side; of a single one nothing is known.
    """
    count = len(values)
    if count < 2:
        return math.inf
    return float(values.std(ddof=1)) * math.sqrt(min(overlap, count) / count)
