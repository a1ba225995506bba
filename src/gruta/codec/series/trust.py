"""How far a forecast goes from the linear path to the network, as the validation part has it."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]

SHARES = (1.0, 0.75, 0.5, 0.25)
LEAST = SHARES[-1]
"""Nearly half of what a network is worth is had so near to the linear path, and little is lost."""

SURE = 2
"""The weights were chosen on the same rows, so a gain there is flattering."""


def trust(
    at: Callable[[float], Values], target: Values, quantiles: Sequence[float], apart: int = 1
) -> float:
    """The largest share of the way from the linear path to the network that is sure to pay; where
    none is, the least, if it pays at all.

    It pays by the mean gain in the quantiles' loss, of the median the absolute error, surely if
    that is more than `SURE` standard errors over two stretches of K steps or more. Less than one
    stretch shows nothing, and gives 0. at: the quantiles `[M, K, Q]` that go so far; target: what
    came `[M, K]`, NaN where that is missing; from origins that lie `apart` rows from each other.
    """
    there, stretch = ~np.isnan(target), -(-target.shape[1] // apart)
    some = there.any(1)
    there, target = there[some], np.nan_to_num(target[some])
    level, counts = np.asarray(quantiles, np.float32), there.sum(1)

    def missed(share: float) -> Values:
        off = target[..., None] - at(share)[some]
        loss = 2 * np.where(off >= 0, level * off, (level - 1) * off).mean(-1)
        found: Values = (loss * there).sum(1) / counts
        return found

    at_first = missed(0.0)
    if len(at_first) < max(2, stretch):
        return 0.0
    for share in SHARES:
        gained = at_first - missed(share)
        error = standard_error(gained, stretch)
        if len(gained) >= 2 * stretch and gained.mean() > SURE * error:
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
