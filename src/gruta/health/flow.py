"""How a gradient fares on its way back through time: whether it vanishes, lasts or explodes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.health.passes import Pass
from gruta.locale import translate as _

Array = NDArray[Any]

PROBES = 16
EXPONENTS = 8
_FADED = 1e-30
"""A norm this far below the first one is rounding, not gradient."""


@dataclass(frozen=True, eq=False)
class Fade:
    """The size of a gradient by lag: how many steps it lies before the end of the walk.

    norms `[K]`: at lag 0, 1, …; zeros from where it has vanished altogether.
    slope: of ln norm over lag, by least squares; negative where it fades, positive where it grows.
    """

    norms: Array
    slope: float

    @property
    def half_life(self) -> float:
        """Steps in which the gradient halves; infinite where it does not fade."""
        return math.log(0.5) / self.slope if self.slope < 0 else math.inf


def gradient_through_time(one: Pass) -> Fade:
    """‖∂L/∂h_t‖ by lag, along every path (Pascanu et al. 2013, arXiv:1211.5063).

    In the LSTM of h and c together. The lag counts from the last step that the gradient reaches.
    Where a loss reads every step, each feeds the gradient anew: take `Call.from_its_end` to see it
    fade. ValueError where no loss's gradient is known.
    """
    if not one.through:
        raise ValueError(
            _("{layer}: no gradient is known; run a loss back through the model").format(
                layer=one.layer
            )
        )
    squares = sum(np.square(d, dtype=np.float64).sum(axis=1) for d in one.through)
    norms = np.sqrt(squares)[::-1]
    return as_fade(np.trim_zeros(norms, "f") if norms.any() else norms)


def gradient_through_depth(stack: Sequence[Pass]) -> Fade:
    """‖∂L/∂h‖ of each layer of a stack, from the last one down: over all steps, both directions.

    stack: the passes of one stack, as `passes` gives them. The slope is that of its logarithm a
    layer. ValueError where no loss's gradient is known.
    """
    squares: dict[str, float] = {}
    for one in stack:
        if not one.through:
            raise ValueError(
                _("{layer}: no gradient is known; run a loss back through the model").format(
                    layer=one.layer
                )
            )
        layer = one.layer.removesuffix("_reverse")
        own = float(np.square(one.through[0], dtype=np.float64).sum())
        squares[layer] = squares.get(layer, 0.0) + own
    return as_fade(np.sqrt(np.array(list(squares.values()))[::-1]))


def jacobian_product(one: Pass, probes: int = PROBES, seed: int = 0) -> Fade:
    """‖∂s_T/∂s_{T−k}‖_F by k: what any loss at the end loses or gains on the way, whatever it is.

    By random vectors sent back through the closed-form Jacobians, of which 16 tell the norm within
    some 11 %; exact where the state has no more units than there are probes.
    """
    size = one.state_size
    drawn = np.random.default_rng(seed).normal(size=(probes, size))
    v = np.eye(size) if size <= probes else drawn
    v = v / np.linalg.norm(v)
    scale = math.log(math.sqrt(size))
    norms = [math.sqrt(size)]
    for J in chain.from_iterable(one.jacobians(backwards=True)):
        v = v @ J
        length = float(np.linalg.norm(v))
        if length == 0 or not math.isfinite(length):
            norms += [length] * (len(one.h) + 1 - len(norms))
            break
        v, scale = v / length, scale + math.log(length)  # neither under- nor overflows
        norms.append(math.exp(min(scale, 700.0)))
    return as_fade(np.asarray(norms))


def lyapunov_exponents(one: Pass, count: int = EXPONENTS, seed: int = 0) -> Array:
    """The largest Lyapunov exponents of the states' walk, a step: `[count]`, falling.

    The mean ln |diagonal of R| of QR decompositions of J_t Q (Engelken et al. 2023,
    arXiv:2006.02427; Vogt et al. 2022). λ₁ > 0: neighbouring states part, and gradients explode;
    λ₁ well below 0: the state forgets in some ln 100 / −λ₁ steps.
    """
    Q = None
    total, steps = np.zeros(count), 0
    for block in one.jacobians():
        if Q is None:
            size = block.shape[-1]
            count = min(count, size)
            total = np.zeros(count)
            Q = np.linalg.qr(np.random.default_rng(seed).normal(size=(size, count)))[0]
        for J in block:
            Q, R = np.linalg.qr(J @ Q)
            with np.errstate(divide="ignore"):
                total += np.log(np.abs(np.diag(R)))
            steps += 1
    return np.sort(total / max(steps, 1))[::-1]


def spectral_norm(w_hh: Array) -> float:
    """σ_max(W_hh) of a plain RNN: below 1 its gradient must vanish, and only above 1 can it explode
    (Pascanu et al. 2013, arXiv:1211.5063).
    """
    return float(np.linalg.norm(w_hh, 2))


def as_fade(norms: Array) -> Fade:
    """Norms by lag, with the slope over those that are more than rounding."""
    seen = np.isfinite(norms) & (norms > _FADED * np.nanmax(norms, initial=0.0))
    lags = np.flatnonzero(seen)
    if len(lags) < 2:
        return Fade(norms, 0.0 if len(norms) < 2 else -math.inf)
    return Fade(norms, float(np.polyfit(lags, np.log(norms[lags]), 1)[0]))
