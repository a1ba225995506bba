"""What the gates do: how much they keep, for how long, and which units take part at all."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.health.passes import Pass
from gruta.locale import translate as _

Array = NDArray[Any]

LOW, HIGH = 0.1, 0.9
"""A gate below the one is as good as shut, above the other as good as open."""

DEAD = 1e-6
TWINS = 0.999


@dataclass(frozen=True, eq=False)
class Saturation:
    """The share of the steps at which each unit's gate is shut (< 0.1) and open (> 0.9), `[H]`."""

    shut: Array
    open: Array


def saturation(gate: Array) -> Saturation:
    """Of a gate `[T, H]` between 0 and 1 (Karpathy et al. 2015, arXiv:1506.02078)."""
    return Saturation((gate < LOW).mean(axis=0), (gate > HIGH).mean(axis=0))


def time_constants(one: Pass) -> Array | None:
    """τ `[H]` in steps: how long each unit's own leak lets its state last, −1 / mean ln k.

    k is the share that is kept (Tallec and Ollivier 2018, arXiv:1804.11188). It counts the leak
    alone: the path through the products with W_hh may hold a state longer, so a network at its
    random start can remember longer than this says. None for a plain RNN, which keeps nothing.
    """
    keep = one.keep
    if keep is None:
        return None
    with np.errstate(divide="ignore"):
        rate = -np.log(keep.astype(np.float64)).mean(axis=0)
        tau: Array = 1.0 / rate
    return tau


def time_constant_of_bias(bias: float) -> float:
    """τ in steps of a unit whose keep gate sees nothing but its bias (b_ih + b_hh): 0 gives 1.4,
    2 gives 7.9, 4 gives 55 (Tallec and Ollivier 2018, arXiv:1804.11188).
    """
    return 1.0 / math.log1p(math.exp(-bias))


def bias_of_time_constant(tau: float) -> float:
    """The bias of the keep gate that gives τ steps: the inverse of `time_constant_of_bias`."""
    if not tau > 0:
        raise ValueError(_("tau: expected a positive number of steps, got {tau}").format(tau=tau))
    return -math.log(math.expm1(1.0 / tau))


@dataclass(frozen=True, eq=False)
class Units:
    """Which units do something of their own.

    variance `[H]`: of each unit's state over time. dead: those that never move. twins: pairs whose
    states move as one (or exactly opposed), |correlation| > 0.999. correlation `[H, H]`: 0 for dead
    ones.
    """

    variance: Array
    dead: list[int]
    twins: list[tuple[int, int]]
    correlation: Array


def units(h: Array) -> Units:
    """Of the states `[T, H]` of one sequence, or of several one after the other."""
    h = h.astype(np.float64)
    variance = h.var(axis=0)
    alive = variance > DEAD
    centred = h - h.mean(axis=0)
    scaled = np.where(alive, centred / np.sqrt(np.where(alive, variance, 1.0)), 0.0)
    correlation = scaled.T @ scaled / len(h)
    pairs = np.argwhere(np.triu(np.abs(correlation) > TWINS, k=1))
    dead = np.flatnonzero(~alive).tolist()
    return Units(variance, dead, [(int(i), int(j)) for i, j in pairs], correlation)
