"""Which rows of a series are for training, for validation, and for the test."""

from dataclasses import dataclass

import numpy as np

from gruta.codec.series.features import Rows, Table
from gruta.tasks.forecast.settings import ForecastSettings


@dataclass(frozen=True)
class Parts:
    """How many rows of a series, from its start, are for training, and how many training sees."""

    train: int
    seen: int

    @classmethod
    def of(cls, rows: int, settings: ForecastSettings) -> "Parts":
        """`rows` with a target: training, then validation, then the test, which is not seen.

        Validation and test, where there is one, hold at least one horizon.
        """
        validation = max(round(settings.validation_share * rows), settings.horizon)
        test = max(round(settings.test_share * rows), settings.horizon)
        seen = rows - test if settings.test_share else rows
        return cls(max(0, seen - validation), seen)


@dataclass(frozen=True)
class Split:
    """Origins `[M]` with their whole horizon in the training part, and in validation."""

    train: Rows
    validation: Rows

    @classmethod
    def of(cls, table: Table, parts: Parts) -> "Split":
        """All origins that have the history they need."""
        first, horizon = table.first_origin, table.horizon
        return cls(
            np.arange(first, parts.train - horizon),
            np.arange(max(first, parts.train - 1), parts.seen - horizon),
        )
