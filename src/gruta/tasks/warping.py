"""The nearest neighbour by dynamic time warping, which stands beside networks that read series."""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gruta.locale import translate as _

MOST_PAIRS = 2e9
"""So many pairs of steps are compared at most."""


def nearest(
    train: Sequence[NDArray[np.floating]], test: Sequence[NDArray[np.floating]], notes: list[str]
) -> NDArray[np.int64] | None:
    """For each series `[T, C]` of the test, which of the training is nearest `[N]`; by tslearn.

    None where there are too many, or tslearn is not there, which the notes then say.
    """
    steps = [np.mean([len(case) for case in part]) for part in (train, test)]
    if len(train) * len(test) * steps[0] * steps[1] > MOST_PAIRS:
        notes.append(
            _("The nearest neighbour by dynamic time warping is left out: too many cases.")
        )
        return None
    try:
        with warnings.catch_warnings():  # tslearn tells of packages that it can do without
            warnings.simplefilter("ignore", UserWarning)
            import tslearn.neighbors  # noqa: F401
        from tslearn.neighbors import KNeighborsTimeSeries
        from tslearn.utils import to_time_series_dataset
    except ImportError:
        notes.append(_("Dynamic time warping is left out: it needs pip install tslearn."))
        return None
    model = KNeighborsTimeSeries(n_neighbors=1, metric="dtw")
    model.fit(to_time_series_dataset(list(train)))
    found = model.kneighbors(to_time_series_dataset(list(test)), return_distance=False)
    return np.asarray(found[:, 0], np.int64)
