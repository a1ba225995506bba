"""Make quantiles cover what they promise, on values that training did not see."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def spread(forecast: Tensor, target: Tensor, quantiles: Sequence[float]) -> Tensor:
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
        ratio = ((target - median) / distance).flatten()
        ratio = ratio[ratio.isfinite()]
        inside = level if level > 0.5 else 1 - level
        # NumPy's quantile, as torch's refuses more than 2**24 values.
        factors.append(max(0.0, float(np.quantile(ratio, inside))) if len(ratio) else 1.0)
    return torch.tensor(factors, dtype=forecast.dtype)


def stretch(forecast: Tensor, factors: Tensor, quantiles: Sequence[float]) -> Tensor:
    """`[..., Q]` with each quantile's distance from the median multiplied, and in order."""
    i = list(quantiles).index(0.5)
    median = forecast[..., i : i + 1]
    return (median + (forecast - median) * factors).sort(-1).values
