"""The ways to clip a gradient: what they are called, and what a threshold is to each.

`health/rules.py` has what they do.
"""

import math
from typing import Literal, NamedTuple

ClipMode = Literal["norm", "value", "layer", "agc", "autoclip", "zclip", "none"]


class Way(NamedTuple):
    """A way to clip.

    default: the threshold where none is named; None: one must be named. unit: what that number is.
    most: the highest that it can be. told: what is said of a training that clipped so, with its
    threshold, and the shares of the steps in which it did.
    """

    default: float | None
    unit: str
    told: str
    most: float = math.inf


WAYS: dict[ClipMode, Way] = {
    "norm": Way(1.0, "a length", "Clipped by norm, the whole to length {threshold}: {shares}."),
    "value": Way(
        None,
        "the size of a component",
        "Clipped by value, each component to ±{threshold}: {shares}.",
    ),
    "layer": Way(
        None, "a length", "Clipped by norm, each parameter's gradient to {threshold}: {shares}."
    ),
    "agc": Way(
        0.01,
        "a ratio to the norm of the weights",
        "Clipped unit by unit, to {threshold} of the norm of its weights: {shares}.",
    ),
    "autoclip": Way(
        10.0,
        "a percentile",
        "Clipped by norm, to percentile {threshold} of the norms so far: {shares}.",
        most=100.0,
    ),
    "zclip": Way(
        2.5,
        "a number of standard deviations",
        "Clipped where a norm stood out by {threshold} deviations: {shares}.",
    ),
    "none": Way(1.0, "a number without effect", "Gradients were not clipped."),
}
"""By the name that users give."""
