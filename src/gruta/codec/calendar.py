"""What a stamp itself tells a model: where in the day, the week or the year it lies."""

import numpy as np
from numpy.typing import NDArray

from gruta.codec.frequency import Frequency, Stamps, weekday
from gruta.locale import translate as _

_MOST_PHASES = 200
_HARMONICS = 10


def calendar(times: Stamps, frequency: Frequency) -> NDArray[np.float32]:
    """Features [N, F] of the stamps `times` [N], from the stamps alone.

    The phase in the shortest season, one-hot, or as sines and cosines where a column a phase would
    be too many; then, for steps within a day, the day of the week, one-hot.
    """
    features = [np.empty((len(times), 0))]
    season = next(iter(frequency.seasons()), 1)
    if season > _MOST_PHASES:
        features.append(_harmonics(frequency.phase(times) / season))
    elif season > 1:
        features.append(_one_hot(frequency.phase(times), season))
    if frequency.within_day:
        features.append(_one_hot(weekday(times), 7))
    return np.concatenate(features, axis=1).astype(np.float32)


def calendar_names(frequency: Frequency) -> list[str]:
    """What the features of `calendar` are called, in their order."""
    names = []
    season = next(iter(frequency.seasons()), 1)
    if season > _MOST_PHASES:
        waves = _("sine {k} of the cycle"), _("cosine {k} of the cycle")
        names += [wave.format(k=k) for wave in waves for k in range(1, _HARMONICS + 1)]
    elif season > 1:
        names += [_("phase {k}").format(k=k) for k in range(season)]
    if frequency.within_day:
        names += [
            _("Monday"),
            _("Tuesday"),
            _("Wednesday"),
            _("Thursday"),
            _("Friday"),
            _("Saturday"),
            _("Sunday"),
        ]
    return names


def _one_hot(index: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    return np.eye(size)[index]


def _harmonics(turn: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sines, then cosines [N, 2 · harmonics] of the first multiples of `turn`, in full turns."""
    angle = 2 * np.pi * turn[:, None] * np.arange(1, _HARMONICS + 1)
    return np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
