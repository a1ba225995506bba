"""Rows whose step is the next row: numbered ones, and stamps that follow no even step."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gruta.codec.series.frequency import DAY, FixedStep, Frequency, Stamps


@dataclass(frozen=True)
class Rows(Frequency):
    """The next row is the next step, however long it takes.

    microseconds: the usual time between two rows, by which the stamps to come are made up; of
    `numbered` rows the difference of their numbers, which stand where stamps do, as microseconds.
    """

    microseconds: int
    numbered: bool = False

    @property
    def name(self) -> str:
        """Such as row (1d), or row (1) where rows are numbered."""
        usual = str(self.microseconds) if self.numbered else FixedStep(self.microseconds).name
        return f"row ({usual})"

    @property
    def beyond_day(self) -> bool:
        """Whether the usual step is longer than a day."""
        return self.microseconds > DAY

    def shift(self, times: Stamps, steps: ArrayLike) -> Stamps:
        """The stamps `steps` usual steps after `times`; the two broadcast."""
        return FixedStep(self.microseconds).shift(times, steps)

    def place(self, times: Stamps, start: np.datetime64) -> NDArray[np.int64]:
        """Of numbered rows by their number; of others the row's own."""
        if self.numbered:
            return FixedStep(self.microseconds).place(times, start)
        return np.arange(times.size).reshape(times.shape)

    def seasons(self) -> tuple[int, ...]:
        """None is known of itself."""
        return ()

    def phase(self, times: Stamps) -> NDArray[np.int64]:
        """No season, no phase."""
        return np.zeros(times.shape, np.int64)
