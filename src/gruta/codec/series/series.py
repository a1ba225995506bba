"""A time series: a target with its covariates, one row a stamp."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.frequency import Frequency, Stamps
from gruta.errors import InputError
from gruta.reading import Guess


@dataclass(frozen=True)
class Columns:
    """Which column of a table is what; InputError if one is to be two things."""

    time: str = "ds"
    target: str = "y"
    known: tuple[str, ...] = ()
    past: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.names:
            if self.names.count(name) > 1:
                raise InputError(
                    f"column {name!r} is used twice; it can be the time, the target, or one "
                    "covariate, known or past"
                )

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return (self.time, self.target, *self.known, *self.past)


@dataclass(frozen=True, eq=False)
class Series:
    """A target with its covariates, one row a stamp.

    times: [N] datetime64[us], without zone, each one step of `frequency` after the one before
    target: [N]; NaN in the rows to come, which are the last ones
    known: [N, C] covariates that are known for the rows to come too
    past: [N, P] covariates that are known up to now; in the rows to come they may be NaN
    source: the file, or "frame", as messages name it
    zone: the one that the stamps were shown in before they were converted, "" for none
    guesses: what was found out on reading
    """

    times: Stamps
    target: NDArray[np.float64]
    known: NDArray[np.float64]
    past: NDArray[np.float64]
    columns: Columns
    frequency: Frequency
    source: str
    zone: str = ""
    guesses: tuple[Guess, ...] = ()

    def __len__(self) -> int:
        return len(self.times)

    @property
    def observed(self) -> int:
        """How many rows have a target; the others are to come."""
        return int(np.isfinite(self.target).sum())

    def rows(self, start: int, stop: int) -> "Series":
        """The rows from `start` up to `stop`, which is not included."""
        part = slice(start, stop)
        return replace(
            self,
            times=self.times[part],
            target=self.target[part],
            known=self.known[part],
            past=self.past[part],
        )

    def fingerprint(self) -> str:
        """SHA-256 of the columns' names and of all values, whatever they were read from."""
        digest = hashlib.sha256(json.dumps(asdict(self.columns)).encode())
        for array in (self.times.astype(np.int64), self.target, self.known, self.past):
            digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
        return digest.hexdigest()
