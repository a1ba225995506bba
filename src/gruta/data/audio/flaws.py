"""What is wrong with samples, whatever file they came from."""

import numpy as np

from gruta.codec.audio.mel import Samples
from gruta.data.found import Found
from gruta.locale import translate as _

SILENT = 2.0**-13
"""A sound none of whose samples is larger holds nothing that 16 bits could tell from noise."""

_RUN, _SHARE, _NEAR = 3, 0.001, 0.5


def is_silent(samples: Samples) -> bool:
    """Whether there is nothing but a constant."""
    if not len(samples):
        return True
    return float(np.ptp(samples)) <= 2 * SILENT


def clipped(samples: Samples) -> float:
    """The share of samples that lie in a run of three or more at the largest or least value, half
    the full scale or more; so much of the wave was cut off.
    """
    if len(samples) < _RUN:
        return 0.0
    count = 0
    for value in (samples.max(), samples.min()):
        if abs(value) < _NEAR:
            continue
        inside = np.concatenate([[False], np.abs(samples - value) < 1e-4, [False]])
        ends = np.flatnonzero(inside[1:] != inside[:-1])
        runs = ends[1::2] - ends[::2]
        count += int(runs[runs >= _RUN].sum())
    return count / len(samples)


def tell_flaws(samples: Samples, name: str, found: Found) -> None:
    """What a person should know of a recording."""
    kept = _("kept")
    if is_silent(samples):
        found.add(1, name, _("silent recordings"), kept)
    elif clipped(samples) > _SHARE:
        found.add(1, name, _("recordings too loud for their file, whose peaks are cut off"), kept)
