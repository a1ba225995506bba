"""What is found out along a text from what stands before: counts of it, and whom to trust.

Nothing at a place knows of that place or of what follows. What is learned is learned a stretch at a
time, once the stretch is over.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from gruta.codec.text.ngram import NGram, Units

Probabilities = NDArray[np.float64]

STRETCH = 2048
"""Units; of a text of some hundred thousand, a hundred counts take seconds."""

ORDER = 6
"""Of the n-grams of one text alone, too short for longer ones to come again."""

_TURNS = 4
"""Of expectation and maximisation, after each stretch: the next go on from them."""


def counted_along(text: Units, size: int) -> Probabilities:
    """Of each unit of a text `[T]` but the first `[T - 1]`, its probability by the n-grams of the
    stretches before its own; those of the first stretch are all alike.
    """
    found = np.full(max(0, len(text) - 1), 1 / size)
    for start, end in _stretches(len(text)):
        if start:
            counts = NGram.count([text[:start]], size, ORDER)
            before = max(0, start - ORDER)
            found[start - 1 : end - 1] = counts.probabilities(text[before:end])[start - before :]
    return found


def weighed_along(models: Sequence[Probabilities], weights: Sequence[float]) -> Probabilities:
    """A mixture of models, of each the probabilities of the same units `[T]`.

    weights: of the first stretch; behind each stretch come those that are likeliest for all that
    stands before (expectation and maximisation: Dempster, Laird and Rubin 1977).
    """
    each = np.stack(models)
    own = np.array(weights, np.float64)
    found = np.empty(each.shape[1])
    for start, end in _stretches(each.shape[1]):
        found[start:end] = own @ each[:, start:end]
        for _turn in range(_TURNS):
            shares = own[:, None] * each[:, :end]
            own = (shares / shares.sum(0)).mean(1)
    return found


def _stretches(count: int) -> Iterator[tuple[int, int]]:
    """Where each begins and ends."""
    for start in range(0, count, STRETCH):
        yield start, min(start + STRETCH, count)
