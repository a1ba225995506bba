"""Which cases are for training, for validation, for the test: each class in its share."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]


def stratified(
    labels: Sequence[Any], groups: Sequence[Any] | None, share: float, seed: int
) -> tuple[Places, Places]:
    """Places of about `share` of each class, and of the others; a group is never in both.

    Whole groups are taken, in an order drawn from the seed, while they bring a class nearer to its
    share than they bring others beyond it. A class of one group stays with the others.
    """
    _, classes = np.unique(np.asarray(labels, object).astype(str), return_inverse=True)
    of_group = np.arange(len(classes))
    if groups is not None:
        _, of_group = np.unique(np.asarray(groups, object).astype(str), return_inverse=True)
    counts = np.zeros((of_group.max() + 1, classes.max() + 1), np.int64)
    np.add.at(counts, (of_group, classes), 1)
    left = share * counts.sum(0)
    spread = (counts > 0).sum(0)  # over how many groups a class is spread
    taken = np.zeros(len(counts), bool)
    for group in np.random.default_rng(seed).permutation(len(counts)):
        own = counts[group]
        gain = np.minimum(own, left.clip(0)).sum() - np.maximum(own - left.clip(0), 0).sum()
        alone = ((own > 0) & (spread - 1 < 1)).any()
        if gain >= 0 and (own * left).sum() > 0 and not alone:
            taken[group] = True
            left -= own
            spread -= own > 0
    return np.flatnonzero(taken[of_group]), np.flatnonzero(~taken[of_group])


def apart(groups: Sequence[str], share: float, seed: int) -> tuple[Places, Places]:
    """Places of about `share` of all, and of the others; a group is never in both.

    Whole groups are taken, in an order drawn from the seed, until they are as many.
    """
    codes = {name: code for code, name in enumerate(dict.fromkeys(groups))}
    of_group = np.array([codes[name] for name in groups], np.int64)
    sizes = np.bincount(of_group, minlength=len(codes))
    order = np.random.default_rng(seed).permutation(len(codes))
    before = sizes[order].cumsum() - sizes[order] / 2  # the last one where most of it fits
    taken = np.zeros(len(codes), bool)
    taken[order[before < share * len(of_group)]] = True
    return np.flatnonzero(taken[of_group]), np.flatnonzero(~taken[of_group])
