"""The next unit, drawn from what a network finds likely."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.floating]


@dataclass(frozen=True)
class Sampling:
    """What is drawn from, in this order; the defaults draw from what the network says.

    repetition_penalty: the logit of a unit that stands in the text already is divided by it where
    it is positive, and else multiplied (Keskar et al. 2019, arXiv:1909.05858). temperature: logits
    are divided by it; 0 takes the likeliest unit. top_k: only so many likeliest units; 0 for all.
    top_p: only the likeliest units that together have this probability (Holtzman et al. 2020,
    arXiv:1904.09751). min_p: only units at least this share as likely as the likeliest one
    (Nguyen et al. 2024, arXiv:2407.01082).
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0


def probabilities(
    logits: Logits, how: Sampling, said: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """`[..., V]` from logits `[..., V]`, of which -inf are never drawn.

    said: `[..., V]`, which units the text has, for the penalty.
    """
    found = odds(logits, how, said)
    found /= found.sum(-1, keepdims=True)
    return found


def odds(
    logits: Logits, how: Sampling, said: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """As `probabilities`, but for a factor: all that a draw needs."""
    x = logits.astype(np.float64)
    if how.repetition_penalty != 1 and said is not None:
        penalised = np.where(x > 0, x / how.repetition_penalty, x * how.repetition_penalty)
        x = np.where(said, penalised, x)
    if how.temperature == 0:
        found = np.zeros_like(x)
        np.put_along_axis(found, x.argmax(-1)[..., None], 1.0, -1)
        return found
    x -= np.maximum.reduce(x, -1, keepdims=True)
    x /= how.temperature
    np.exp(x, out=x)
    if how.min_p:
        x[x < how.min_p] = 0  # the likeliest stands at 1
    if 0 < how.top_k < x.shape[-1] or how.top_p < 1:
        _leave(x, how)
    return x


def drawn(found: NDArray[np.float64], uniform: NDArray[np.float64]) -> NDArray[np.int64]:
    """A unit each `[B]`, by numbers `[B]`, 0 ≤ u < 1, from probabilities or odds `[B, V]`."""
    sums = found.cumsum(-1)
    # u · sum is below the sum for every double u < 1, so that one unit at least lies beyond
    beyond = sums > uniform[:, None] * sums[:, -1:]
    chosen: NDArray[np.int64] = beyond.argmax(-1)
    return chosen


def _leave(found: NDArray[np.float64], how: Sampling) -> None:
    """Set to 0 what top_k and top_p leave out; units as likely as each other keep their order."""
    order = np.argsort(-found, -1, kind="stable")
    if 0 < how.top_k < found.shape[-1]:
        np.put_along_axis(found, order[..., how.top_k :], 0.0, -1)
    if how.top_p < 1:
        ranked = np.take_along_axis(found, order, -1)
        sums = ranked.cumsum(-1)
        before = np.zeros_like(sums)
        before[..., 1:] = sums[..., :-1]
        ranked[before >= how.top_p * sums[..., -1:]] = 0
        np.put_along_axis(found, order, ranked, -1)
