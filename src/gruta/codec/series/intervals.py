"""Make quantiles cover what they promise, on values that training did not see."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]


def spread(forecast: Values, target: Values, quantiles: Sequence[float]) -> Values:
    """`[Q]`: by how much each quantile's distance from the median is to be stretched.

    forecast `[M, K, Q]` and target `[M, K]` are of the validation part. The factor is the one with
    which the right share of the targets lies below the quantile there (a scaled split-conformal
    correction, compare Romano et al. 2019, arXiv:1905.03222).
    """
    median = forecast[..., list(quantiles).index(0.5)]
    factors = []
    for i, level in enumerate(quantiles):
        distance = forecast[..., i] - median
        if level == 0.5:
            factors.append(1.0)
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = ((target - median) / distance).ravel()
        ratio = ratio[np.isfinite(ratio)]
        inside = level if level > 0.5 else 1 - level
        factors.append(max(0.0, float(np.quantile(ratio, inside))) if len(ratio) else 1.0)
    return np.array(factors, np.float32)


def stretch(forecast: Values, factors: Values, quantiles: Sequence[float]) -> Values:
    """`[..., Q]` with each quantile's distance from the median multiplied, and in order."""
    i = list(quantiles).index(0.5)
    median = forecast[..., i : i + 1]
    return np.sort(median + (forecast - median) * factors, axis=-1)
