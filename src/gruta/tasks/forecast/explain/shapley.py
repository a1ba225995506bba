"""Shapley values of a function of which parts are there.

What a part adds depends on which others are there already: its Shapley value is the mean over all
orders in which they may join (Shapley 1953; of a model beside one reference input: Sundararajan and
Najmi 2020, arXiv:1908.08474). The values of all parts sum to the difference between all and none.
"""

from collections.abc import Callable
from math import comb

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Chosen = NDArray[np.bool_]

MOST_COALITIONS = 2**10
"""Of more than ten parts a sample of orders is taken, each with its reverse, which so cancel much
of their noise (Mitchell et al. 2022, arXiv:2104.12199). Each order's values sum to the whole."""

_SEED = 0


def shapley(parts: int, value: Callable[[Chosen], Array]) -> Array:
    """`[G, K]` of so many parts. value: from which are there, `[N, G]`, to `[N, K]`."""
    if 2**parts <= MOST_COALITIONS:
        return _exact(parts, value)
    return _sampled(parts, value)


def _exact(parts: int, value: Callable[[Chosen], Array]) -> Array:
    codes = np.arange(2**parts)
    chosen = codes[:, None] >> np.arange(parts) & 1 == 1
    found, sizes = value(chosen), chosen.sum(1)
    weights = np.array([1 / (parts * comb(parts - 1, size)) for size in range(parts)])
    values = []
    for part in range(parts):
        without = codes[~chosen[:, part]]
        gained = found[without + 2**part] - found[without]
        values.append(weights[sizes[without]] @ gained)
    return np.array(values)


def _sampled(parts: int, value: Callable[[Chosen], Array]) -> Array:
    draw = np.random.default_rng(_SEED)
    halves = [draw.permutation(parts) for _ in range(MOST_COALITIONS // (2 * parts) + 1)]
    orders = np.array([order for half in halves for order in (half, half[::-1])])
    places = orders.argsort(1)
    chosen = places[:, None] < np.arange(parts + 1)[:, None]  # [orders, joined so far, G]
    found = value(chosen.reshape(-1, parts)).reshape(*chosen.shape[:2], -1)
    gained = np.diff(found, axis=1)  # [orders, place, K]
    values: Array = np.take_along_axis(gained, places[..., None], 1).mean(0)
    return values
