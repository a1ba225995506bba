"""From a series to the network's table: scales of the training part, the calendar, seasons."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.scaler import Scaler
from gruta.codec.series.calendar import calendar, calendar_names
from gruta.codec.series.features import Table, first_origin, future_names, past_names
from gruta.codec.series.frequency import Frequency, Stamps, parse
from gruta.codec.series.seasons import possible_seasons, seasons_of
from gruta.codec.series.series import Columns, Series
from gruta.errors import InputError

MOST_LOOKBACK = 600
"""Rows that are read by default at most; the time of a training step grows with them."""

LARGEST = 1e150
"""Values beyond this are refused: their squares, which scales and scores sum, are not finite."""


@dataclass(frozen=True, eq=False)
class Encoding:
    """How a series enters the network, and how a forecast leaves it."""

    columns: Columns
    frequency: Frequency
    target: Scaler
    known: Scaler
    past: Scaler
    seasons: tuple[int, ...]
    lookback: int
    horizon: int

    @classmethod
    def fit(cls, series: Series, train_rows: int, lookback: int, horizon: int) -> "Encoding":
        """Scales and seasons from the first `train_rows` rows; lookback 0 takes one by the seasons.

        InputError if these are too few, or a value of the series is too large to reckon with.
        """
        columns = np.column_stack([series.target, series.known, series.past])
        names = (series.columns.target, *series.columns.known, *series.columns.past)
        for name, largest in zip(names, np.abs(columns).max(axis=0), strict=True):
            if largest > LARGEST:
                raise InputError(
                    f"{series.source}: column {name!r}: expected values up to {LARGEST:g} in size, "
                    f"found {largest:g}; give the column in a larger unit"
                )
        frequency = series.frequency
        possible = possible_seasons(frequency, train_rows)
        lookback = lookback or (min(2 * possible[0], MOST_LOOKBACK) if possible else 24)
        seasons = seasons_of(series.target[:train_rows], frequency)
        needed = first_origin(seasons, lookback, horizon) + 2 * horizon + 1
        if train_rows < needed:
            raise InputError(
                f"{series.source}: {train_rows} rows to train on, but a lookback of {lookback} and "
                f"a horizon of {horizon} need at least {needed} (seasons: "
                f"{', '.join(map(str, seasons)) or 'none'}); take a shorter lookback or horizon, "
                "or give a longer series"
            )
        return cls(
            columns=series.columns,
            frequency=frequency,
            target=Scaler.fit(series.target[:train_rows, None]),
            known=Scaler.fit(series.known[:train_rows]),
            past=Scaler.fit(series.past[:train_rows]),
            seasons=seasons,
            lookback=lookback,
            horizon=horizon,
        )

    @property
    def history(self) -> int:
        """Rows that a forecast needs, its origin included."""
        return first_origin(self.seasons, self.lookback, self.horizon) + 1

    def table(self, series: Series) -> Table:
        """The series as scaled columns; InputError if it is not of this encoding's frequency."""
        if series.frequency != self.frequency:
            raise InputError(
                f"{series.source}: expected a step of {self.frequency.name}, the trained model's, "
                f"found {series.frequency.name}"
            )
        return self._table(series.times, series.target, series.known, series.past)

    def empty_table(self) -> Table:
        """A table without rows, as wide as those of `table`."""
        known, past = len(self.columns.known), len(self.columns.past)
        return self._table(
            np.empty(0, "M8[us]"), np.empty(0), np.empty((0, known)), np.empty((0, past))
        )

    def _table(
        self,
        times: Stamps,
        target: NDArray[np.float64],
        known: NDArray[np.float64],
        past: NDArray[np.float64],
    ) -> Table:
        return Table(
            y=self.target.encode(target[:, None])[:, 0].astype(np.float32),
            known=self.known.encode(known).astype(np.float32),
            past=self.past.encode(past).astype(np.float32),
            calendar=calendar(times, self.frequency),
            seasons=self.seasons,
            lookback=self.lookback,
            horizon=self.horizon,
        )

    def future_names(self) -> list[str]:
        """What people call the columns of a step to come."""
        columns = self.columns
        by_calendar = calendar_names(self.frequency)
        return future_names(columns.target, columns.known, by_calendar, self.seasons)

    def past_names(self) -> list[str]:
        """What people call the columns of a row of the window."""
        return past_names(self.columns.target, self.columns.past, self.future_names())

    def decode(self, scaled: NDArray[np.floating]) -> NDArray[np.float64]:
        """Values of the target in its own unit, any shape."""
        return self.target.decode(scaled.astype(np.float64)[..., None])[..., 0]

    def to_json(self) -> dict[str, Any]:
        """Plain values, for the run directory."""
        return {
            "columns": {
                "time": self.columns.time,
                "target": self.columns.target,
                "known": list(self.columns.known),
                "past": list(self.columns.past),
            },
            "frequency": self.frequency.name,
            "target": self.target.to_json(),
            "known": self.known.to_json(),
            "past": self.past.to_json(),
            "seasons": list(self.seasons),
            "lookback": self.lookback,
            "horizon": self.horizon,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Encoding":
        """What `to_json` gave; InputError if it is anything else."""
        try:
            names = content["columns"]
            encoding = cls(
                columns=Columns(
                    names["time"], names["target"], tuple(names["known"]), tuple(names["past"])
                ),
                frequency=parse(content["frequency"]),
                target=Scaler.from_json(content["target"]),
                known=Scaler.from_json(content["known"]),
                past=Scaler.from_json(content["past"]),
                seasons=tuple(map(int, content["seasons"])),
                lookback=int(content["lookback"]),
                horizon=int(content["horizon"]),
            )
            encoding._require_sound()
            return encoding
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError(f"codec.json: not a forecaster's encoding ({error})") from error

    def _require_sound(self) -> None:
        """ValueError unless the parts can be those of one encoding."""
        columns, seasons = self.columns, self.seasons
        if seasons != tuple(sorted(set(seasons))) or min(seasons, default=1) < 1:
            raise ValueError(f"expected increasing seasons of at least 1 step, got {seasons}")
        if min(self.lookback, self.horizon) < 1:
            raise ValueError(
                f"expected a lookback and a horizon of at least 1 step, got {self.lookback} and "
                f"{self.horizon}"
            )
        scaled = [len(scaler.mean) for scaler in (self.target, self.known, self.past)]
        if scaled != [1, len(columns.known), len(columns.past)]:
            raise ValueError(f"expected a scale for each of {columns.names[1:]}, got {scaled}")
