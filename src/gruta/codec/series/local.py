"""Steps of a zone in which clocks are changed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gruta.codec.series.frequency import DAY, FixedStep, Frequency, Stamps
from gruta.codec.series.zones import Zone


@dataclass(frozen=True)
class Local(Frequency):
    """A frequency of a zone; stamps are in UTC.

    Days, weeks and months are as long as the zone's clock has them; shorter steps are even in UTC,
    where each has its moment, also the two that the clock shows alike. Seasons follow the clock.
    """

    step: Frequency
    zone: Zone

    @property
    def name(self) -> str:
        """As without a zone."""
        return self.step.name

    @property
    def key(self) -> str:
        """Such as 1d in America/Sao_Paulo."""
        return f"{self.step.key} in {self.zone.name}"

    @property
    def within_day(self) -> bool:
        """Whether a step is shorter than a day."""
        return self.step.within_day

    @property
    def beyond_day(self) -> bool:
        """Whether a step is longer than a day."""
        return self.step.beyond_day

    @property
    def _even_in_utc(self) -> bool:
        return isinstance(self.step, FixedStep) and self.step.microseconds % DAY != 0

    def is_natural(self, season: int) -> bool:
        """As without a zone."""
        return self.step.is_natural(season)

    def local(self, times: Stamps) -> Stamps:
        """What the clock shows."""
        return self.zone.local(times)

    def moment(self, local: Stamps) -> Stamps:
        """When the clock shows this."""
        return self.zone.utc(local)

    def shift(self, times: Stamps, steps: ArrayLike) -> Stamps:
        """The stamps `steps` steps after `times`; the two broadcast."""
        if self._even_in_utc:
            return self.step.shift(times, steps)
        return self.zone.utc(self.step.shift(self.zone.nominal(times), steps))

    def place(self, times: Stamps, start: np.datetime64) -> NDArray[np.int64]:
        """How many steps after `start` each stamp lies."""
        if self._even_in_utc:
            return self.step.place(times, start)
        first, *_ = self.zone.nominal(np.array([start]))
        return self.step.place(self.zone.nominal(times), first)

    def seasons(self) -> tuple[int, ...]:
        """As without a zone."""
        return self.step.seasons()

    def phase(self, times: Stamps) -> NDArray[np.int64]:
        """By the clock."""
        return self.step.phase(self.zone.nominal(times))
