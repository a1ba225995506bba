"""The ways to clip a gradient: what each multiplies or cuts, and by how much.

A rule gets the gradients of a step, all finite, and changes them in place. Norms are 2-norms in
float64. What the rules have in common (measuring, counting, refusing) is in `clipping.py`.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from gruta.locale import translate as _
from gruta.ways_to_clip import ClipMode

WINDOW = 10_000
"""How many of the last norms a percentile is taken of."""


class Gradient(NamedTuple):
    """One parameter's gradient: its values, to be changed in place, the parameter, the norm.

    scale: what a gradient scaler multiplied the values by; the gradient is values / scale.
    """

    values: Tensor
    parameter: Tensor
    norm: float
    scale: float = 1.0


class Cut(NamedTuple):
    """What a rule did: the global norm after it, the cosine between the gradient before and after
    (1: the direction is kept), and the threshold that it applied, infinite where it has none.
    """

    norm: float
    cosine: float
    threshold: float


class Rule(Protocol):
    """A way to clip."""

    def __call__(self, gradients: Sequence[Gradient], norm: float) -> Cut:
        """Clip gradients of this global norm in place."""

    def state_dict(self) -> dict[str, Any]:
        """What is remembered from step to step, as plain numbers."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""


@dataclass
class _Memoryless:
    threshold: float

    def state_dict(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing is remembered."""


class Nothing(_Memoryless):
    """Leaves the gradient as it is."""

    def __call__(self, gradients: Sequence[Gradient], norm: float) -> Cut:
        """The gradient as it was."""
        return Cut(norm, 1.0, math.inf)


class Value(_Memoryless):
    """Cuts every component to ±threshold, which turns the gradient (Mikolov 2012, thesis).

    Of a complex gradient, real and imaginary parts are the components.
    """

    def __call__(self, gradients: Sequence[Gradient], norm: float) -> Cut:
        """Components cut to ±threshold."""
        squares = dot = 0.0
        for values, _parameter, own, scale in gradients:
            if own <= self.threshold:  # then so is every component
                squares, dot = squares + own**2, dot + own**2
                continue
            parts = torch.view_as_real(values) if values.is_complex() else values
            before = parts.to(wide(parts), copy=True)  # a float64 gradient is changed below
            most = min(self.threshold * scale, torch.finfo(parts.dtype).max)
            parts.clamp_(-most, most)
            after = parts.to(wide(parts))
            squares += total(after.square()) / scale**2
            dot += total(before * after) / scale**2
        return _cut(norm, squares, dot, self.threshold)


class Norm(_Memoryless):
    """Scales the whole gradient to length `threshold` when it is longer, which keeps its direction
    (Pascanu et al. 2013, arXiv:1211.5063).
    """

    def __call__(self, gradients: Sequence[Gradient], norm: float) -> Cut:
        """The whole scaled to the threshold."""
        return shorten(gradients, norm, self.threshold)


class PerLayer(_Memoryless):
    """The same for every parameter's gradient on its own (`clipnorm` of Keras's optimisers)."""

    def __call__(self, gradients: Sequence[Gradient], norm: float) -> Cut:
        """Each parameter's gradient scaled to the threshold."""
        squares = dot = 0.0
        for values, _parameter, own, _scale_of in gradients:
            coefficient = min(1.0, self.threshold / own) if own else 1.0
            if coefficient < 1.0:
                values.mul_(coefficient)
            squares += (coefficient * own) ** 2
            dot += coefficient * own**2
        return _cut(norm, squares, dot, self.threshold)


class Adaptive(_Memoryless):
    """AGC: each unit's gradient to at most `threshold` times the norm of its weights, which counts
    as 1e-3 at least (Brock et al. 2021, arXiv:2102.06171, there for all layers but the last).

    A unit is a row of a matrix, one output's weights in a convolution, and a whole vector.
    """

    least = 1e-3

    def __call__(self, gradients: Sequence[Gradient], norm: float) -> Cut:
        """Each unit's gradient scaled to its own threshold."""
        squares = dot = 0.0
        for values, parameter, _name, scale in gradients:
            if values.shape != parameter.shape:
                problem = _(
                    "clip='agc': a sparse gradient has no rows to compare with the weights'; use "
                    "'norm', or an Embedding with sparse=False"
                )
                raise ValueError(problem)
            own = _unit_norms(values) / scale
            most = self.threshold * _unit_norms(parameter).clamp_min(self.least)
            coefficient = torch.where(own > most, most / own, 1.0)
            if total(coefficient < 1.0):
                _scale(values, coefficient)
            squares += total((coefficient * own).square())
            dot += total(coefficient * own.square())
        return _cut(norm, squares, dot, self.threshold)


@dataclass
class Percentile:
    """AutoClip: scales the gradient to the `threshold`-th percentile of the norms so far, this
    one's among them (Seetharaman et al. 2020, arXiv:2007.14469); here of the last 10,000 above 0.
    """

    threshold: float
    norms: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW))

    def __call__(self, gradients: Sequence[Gradient], norm: float) -> Cut:
        """The whole scaled to the percentile."""
        if norm == 0:  # nothing to clip, and a limit of 0 would end training
            return Cut(norm, 1.0, math.inf)
        self.norms.append(norm)
        return shorten(gradients, norm, float(np.percentile(self.norms, self.threshold)))

    def state_dict(self) -> dict[str, Any]:
        """The norms that the percentile is taken of."""
        return {"norms": list(self.norms)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on with these norms."""
        self.norms = deque(map(float, state["norms"]), maxlen=WINDOW)


@dataclass
class ZScore:
    """ZClip: scales a gradient whose norm lies more than `threshold` standard deviations above the
    moving average to that average plus threshold²/z deviations, the less the further out it lies
    (Kumar et al. 2025, arXiv:2504.02507).

    Average and variance move by 3 % a step, with the clipped norm; they start as those of the first
    25 norms, which are not clipped.
    """

    threshold: float
    keep = 0.97
    warm_up = 25
    least = 1e-6
    first: list[float] = field(default_factory=list)
    mean: float = 0.0
    variance: float = 0.0

    def __call__(self, gradients: Sequence[Gradient], norm: float) -> Cut:
        """The whole scaled, if its norm stands out."""
        if len(self.first) < self.warm_up:
            self.first.append(norm)
            self.mean, self.variance = float(np.mean(self.first)), float(np.var(self.first))
            return Cut(norm, 1.0, math.inf)
        deviation = math.sqrt(self.variance)
        z = (norm - self.mean) / (deviation + self.least)
        if z > self.threshold:
            cut = shorten(gradients, norm, self.mean + self.threshold**2 / z * deviation)
        else:
            cut = Cut(norm, 1.0, math.inf)
        self.mean = self.keep * self.mean + (1 - self.keep) * cut.norm
        away = (cut.norm - self.mean) ** 2
        self.variance = self.keep * self.variance + (1 - self.keep) * away
        return cut

    def state_dict(self) -> dict[str, Any]:
        """The moving average and variance, and the norms that they start from."""
        return {"first": list(self.first), "mean": self.mean, "variance": self.variance}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from these."""
        self.first = list(map(float, state["first"]))
        self.mean, self.variance = float(state["mean"]), float(state["variance"])


RULES: dict[ClipMode, type[Any]] = {
    "norm": Norm,
    "value": Value,
    "layer": PerLayer,
    "agc": Adaptive,
    "autoclip": Percentile,
    "zclip": ZScore,
    "none": Nothing,
}
"""By the name that users give; `WAYS` says what the threshold is."""


def shorten(gradients: Sequence[Gradient], norm: float, most: float) -> Cut:
    """Scale the whole to length `most` if it is longer."""
    if norm <= most:
        return Cut(norm, 1.0, most)
    torch._foreach_mul_([g.values for g in gradients], most / norm)
    return Cut(most, 1.0, most)


def wide(t: Tensor) -> torch.dtype:
    """The type to sum in: float64, where the device has it, and complex where `t` is."""
    if t.is_mps:
        return torch.complex64 if t.is_complex() else torch.float32
    return torch.complex128 if t.is_complex() else torch.float64


def total(t: Tensor) -> float:
    """The sum; of the whole where it is spread over processes."""
    found: Any = t.sum()
    return float(found.full_tensor() if hasattr(found, "full_tensor") else found)


def _scale(values: Tensor, factors: Tensor) -> None:
    """Multiply in place; what is spread over processes stays spread as it was.

    The factors are float32 at least: a 16-bit number may have no room for a small one.
    """
    exact = values.dtype in (torch.float64, torch.complex128)
    factors = factors.to(torch.float64 if exact else torch.float32)
    if not hasattr(values, "placements"):
        values.mul_(factors)
        return
    spread: Any = values
    scaled: Any = values * factors
    spread.copy_(scaled.redistribute(spread.device_mesh, spread.placements))


def _unit_norms(t: Tensor) -> Tensor:
    """The norm of each row of `t`, of the whole for a vector, in a shape that broadcasts."""
    axes = tuple(range(1, t.dim())) if t.dim() > 1 else None
    norms: Tensor = torch.linalg.vector_norm(t.detach(), dim=axes, keepdim=True, dtype=wide(t))
    return norms


def _cut(norm: float, squares: float, dot: float, threshold: float) -> Cut:
    """From Σ after² and Σ before·after; where nothing changed, the norm is the same number."""
    if dot == squares and math.isclose(math.sqrt(squares), norm, rel_tol=1e-12):
        return Cut(norm, 1.0, threshold)
    after = math.sqrt(squares)
    return Cut(after, min(1.0, dot / (norm * after)) if norm and after else 1.0, threshold)
