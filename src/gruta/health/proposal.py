"""A threshold for clipping by norm, from norms that were seen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gruta.errors import InputError
from gruta.locale import translate as _

LEAST = 20


@dataclass(frozen=True)
class Proposal:
    """A threshold, and what it would have done to the steps that it was read from.

    share: of those steps, how many it would have clipped. median, largest: of their norms.
    """

    threshold: float
    share: float
    steps: int
    median: float
    largest: float


def propose(norms: Sequence[float], percentile: float = 90.0) -> Proposal:
    """The percentile of global gradient norms before clipping, rounded to two digits.

    Take the norms of a warm-up of some hundred steps: those of the first few dozen are larger than
    what follows. InputError for fewer than 20 norms.
    """
    if not 0 < percentile < 100:
        raise InputError(
            _("percentile: expected a number between 0 and 100, got {percentile}").format(
                percentile=percentile
            )
        )
    if len(norms) < LEAST:
        problem = _("norms: expected those of at least {least} steps, got {count}; train on")
        raise InputError(problem.format(least=LEAST, count=len(norms)))
    seen = np.asarray(norms, dtype=np.float64)
    threshold = float(f"{np.percentile(seen, percentile):.2g}")
    return Proposal(
        threshold,
        float((seen > threshold).mean()),
        len(seen),
        float(np.median(seen)),
        float(seen.max()),
    )
