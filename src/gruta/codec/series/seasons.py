"""Which of the seasons that a step allows a series has."""

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.frequency import Frequency

CYCLES_NEEDED = 4
"""A season counts if the training part holds this many of it."""

SHARE_SHOWN = 0.2
"""A season shows if so much of what happens within a cycle is told by the other cycles."""

PARTS = 48
"""A cycle is cut into about so many parts, whose means are compared."""


def possible_seasons(frequency: Frequency, rows: int) -> tuple[int, ...]:
    """The seasons that so many rows hold often enough, shortest first."""
    return tuple(s for s in frequency.seasons() if s * CYCLES_NEEDED <= rows)


def seasons_of(y: NDArray[np.floating], frequency: Frequency) -> tuple[int, ...]:
    """The seasons of y `[N]`. Days, weeks and years are taken for granted; the cycles of a clock,
    minutes and hours, must show.
    """
    seasons = possible_seasons(frequency, len(y))
    return tuple(s for s in seasons if frequency.is_natural(s) or shows(y, s))


def shows(y: NDArray[np.floating], season: int) -> bool:
    """Whether cycles of y `[N]`, at least two, are alike but for their level and a trend."""
    cycles = len(y) // season
    y = y[len(y) - cycles * season :]
    time, rounding = np.linspace(-1, 1, len(y)), 1e-9 * np.abs(y).max()
    slope, level = np.polyfit(time, y, 1)
    y = y - level - slope * time
    width = -(-season // PARTS)
    parts = y.reshape(cycles, season)[:, : season // width * width]
    parts = parts.reshape(cycles, -1, width).mean(-1)
    parts -= parts.mean(1, keepdims=True)
    others = (parts.sum(0) - parts) / (cycles - 1)
    missed, whole = ((parts - others) ** 2).mean(), (parts**2).mean()
    return bool(missed < (1 - SHARE_SHOWN) * whole and whole > rounding**2)
