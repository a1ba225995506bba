"""From a series to the network's table: scales of the training part, the calendar, seasons."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.scaler import Scaler
from gruta.codec.series.calendar import Calendar, calendar, calendar_names
from gruta.codec.series.covariates import Covariates
from gruta.codec.series.difference import Level, differenced, filled
from gruta.codec.series.features import Table, first_origin, future_names, past_names
from gruta.codec.series.frequency import Frequency
from gruta.codec.series.holidays import Holidays
from gruta.codec.series.infer import parse
from gruta.codec.series.learned import as_learned, fitted_power, rows_apart, with_power
from gruta.codec.series.outliers import Outliers
from gruta.codec.series.power import restored
from gruta.codec.series.scales import in_scale, require_sizes, scales_of, static_table
from gruta.codec.series.seasons import possible_seasons, seasons_of
from gruta.codec.series.series import Columns, Rows, Series, carried
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number

MOST_LOOKBACK = 600
"""Rows that are read by default at most; the time of a training step grows with them."""


@dataclass(frozen=True, eq=False)
class Encoding:
    """How series enter the network, and how a forecast leaves it.

    target: a scale for each of the series `ids` that training saw; one of another name has its own
    from its history. gaps: whether the network is told of missing values and short histories.
    holidays, static: what it is told of days, and of each series as a whole. power: of the
    transform of the target before it is scaled, 0 for its logarithm; None: none. apart: what is
    learned are differences from the value so many rows before; 0: the target itself. block: steps
    that are forecast at once, and then read back; None: the whole horizon. outliers: which values
    those are, and what is done about them; None: not looked for, as in version 0.1.0. embedding:
    how wide a vector is learned for each series, 0: none; told_apart: whether they are, by it.
    """

    columns: Columns
    frequency: Frequency
    target: Scaler
    known: Covariates
    past: Covariates
    seasons: tuple[int, ...]
    lookback: int
    horizon: int
    ids: tuple[str, ...] = ("",)
    gaps: bool = False
    holidays: Holidays | None = None
    static: Covariates = field(default_factory=Covariates.none)
    power: float | None = None
    apart: int = 0
    block: int | None = None
    outliers: Outliers | None = None
    embedding: int = 0
    told_apart: bool = True

    @classmethod
    def fit(
        cls,
        series: Series,
        train: Rows,
        lookback: int,
        horizon: int,
        holidays: Holidays | None = None,
        transform: str = "none",
        block: int | None = None,
        outliers: Outliers | None = None,
    ) -> "Encoding":
        """Scales and seasons from the first `train [S]` rows of each series; lookback 0 takes one
        by the seasons.

        transform: none, or log, boxcox, difference or seasonal, or two of them with + between.
        InputError if these are too few, or a value of the series is too large to reckon with.
        """
        require_sizes(series)
        rows = int(train.max())
        possible = possible_seasons(series.frequency, rows)
        lookback = lookback or (min(2 * possible[0], MOST_LOOKBACK) if possible else 24)
        read = series if outliers is None else outliers.treated(series)
        seen = read.until(train).nonempty()
        seasons = seasons_of(_longest(seen), series.frequency)
        apart = rows_apart(transform, seasons)
        whole = first_origin(seasons, lookback, horizon, apart)
        short = (np.diff(seen.starts) < whole + 2 * horizon + 1).any()
        gaps = bool(np.isnan(seen.target).any() or (series.count > 1 and short))
        needed = (1 if gaps else whole) + 2 * horizon + 1
        if rows < needed:
            problem = _(
                "{source}: {rows} rows to train on, but a lookback of {lookback} and a horizon of "
                "{horizon} need at least {needed} (seasons: {seasons}); take a shorter lookback or "
                "horizon, or give a longer series"
            )
            raise InputError(
                problem.format(
                    source=series.source,
                    rows=number(rows),
                    lookback=lookback,
                    horizon=horizon,
                    needed=number(needed),
                    seasons=", ".join(map(str, seasons)) or _("none"),
                )
            )
        columns, words, source = series.columns, series.words, series.source
        power = fitted_power(seen, transform)
        return cls(
            columns=columns,
            frequency=series.frequency,
            target=scales_of(as_learned(seen, power, apart)),
            known=Covariates.fit(columns.known, seen.known, words, source),
            past=Covariates.fit(columns.past, seen.past, words, source),
            seasons=seasons,
            lookback=lookback,
            horizon=horizon,
            ids=seen.ids,
            gaps=gaps,
            holidays=holidays,
            static=Covariates.fit(columns.static, static_table(seen), words, source),
            power=power,
            apart=apart,
            block=block,
            outliers=outliers,
        )

    @property
    def at_once(self) -> int:
        """Steps that are forecast at once."""
        return self.block or self.horizon

    @property
    def transformed(self) -> bool:
        """Whether something else than the target is learned."""
        return self.power is not None or self.apart > 0

    def learned(self, series: Series) -> Series:
        """With what is learned in the place of the target."""
        return as_learned(self.read(series), self.power, self.apart)

    @property
    def history(self) -> int:
        """Rows that a forecast needs, its origin included."""
        if self.gaps:
            return 1
        return first_origin(self.seasons, self.lookback, self.at_once, self.apart) + 1

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.ids)}

    def scales(self, series: Series) -> Scaler:
        """Of the target of each of these series `[S]`; of one that training did not see, by its
        own values.
        """
        known = np.array([self._places.get(name, -1) for name in series.ids], np.int64)
        found = Scaler(self.target.mean[known], self.target.scale[known])
        for i in np.flatnonzero(known < 0):
            own = scales_of(self.learned(series.one(int(i))), self.target)
            found.mean[i], found.scale[i] = own.mean[0], own.scale[0]
        return found

    def read(self, series: Series) -> Series:
        """The series as models read them: with outliers as they are to be treated."""
        return series if self.outliers is None else self.outliers.treated(series)

    def table(self, series: Series) -> Table:
        """The series as scaled columns; InputError if they are not of this encoding's frequency."""
        if series.frequency != self.frequency:
            problem = _(
                "{source}: expected a step of {expected}, the trained model's, found {found}"
            )
            raise InputError(
                problem.format(
                    source=series.source, expected=self.frequency.key, found=series.frequency.key
                )
            )
        return self._table(series)

    def empty_table(self) -> Table:
        """A table without rows, as wide as those of `table`."""
        none, columns = np.empty(0), self.columns
        series = Series(
            target=none,
            known=np.empty((0, len(columns.known))),
            past=np.empty((0, len(columns.past))),
            starts=np.zeros(1, np.int64),
            begins=none.astype("M8[us]"),
            ids=(),
            columns=columns,
            frequency=self.frequency,
            source="",
        )
        return self._table(series)

    def _table(self, series: Series) -> Table:
        read, scales, level = self.read(series), self.scales(series), None
        absent = np.isnan(read.target) & series.inside
        found = with_power(read, self.power)
        target = found.target
        if self.apart:
            value = in_scale(filled(found, self.apart), series, scales, np.float64)
            level = Level(value, absent, self.apart)
            target = differenced(found, self.apart)
            absent = np.isnan(target) & series.inside
            target[absent] = 0.0
        elif absent.any():
            target = carried(target, series.starts)
        return Table(
            y=in_scale(target, series, scales, np.float32),
            known=self._known(series),
            past=self.past.encode(series.past, series.words),
            calendar=self._calendar(series),
            seasons=self.seasons,
            lookback=self.lookback,
            horizon=self.at_once,
            starts=series.starts,
            absent=absent if self.gaps else None,
            level=level,
            own=self._vectors(series) if self.embedding else None,
            vectors=(len(self.ids) + 1, self.embedding) if self.embedding else (0, 0),
        )

    def _vectors(self, series: Series) -> Rows:
        """`[S]`: which vector each has; 0, that of none, for one that training did not see."""
        places = self._places if self.told_apart else {}
        return np.array([places.get(name, -1) + 1 for name in series.ids], np.int64)

    def _known(self, series: Series) -> NDArray[np.float32]:
        """`[N, C]`: covariates, then holidays, of which rows to come need no column."""
        known = self.known.encode(series.known, series.words)
        if self.holidays is None:
            return known
        pieces = (series.times_at(rows) for rows in series.pieces())
        days = self.holidays.features(pieces, self.frequency, series.source)
        return np.concatenate([known, days], axis=1)

    def _calendar(self, series: Series) -> Calendar:
        """What the stamp tells of a row, then what its series has as a whole."""
        pieces = (series.times_at(rows) for rows in series.pieces())
        found = calendar(pieces, self.frequency)
        if not self.columns.static:
            return found
        own = np.repeat(np.arange(series.count, dtype=np.uint32), np.diff(series.starts))
        table = self.static.encode(static_table(series), series.words)
        return found.beside(own, np.nan_to_num(table))  # the mean, where a series lacks one

    @property
    def words(self) -> frozenset[str]:
        """The columns of texts."""
        return frozenset().union(self.known.levels, self.past.levels, self.static.levels)

    @property
    def known_labels(self) -> list[str]:
        """What people call the columns that are known of a step: covariates, then holidays."""
        days = self.holidays.names(self.frequency) if self.holidays is not None else []
        return [*self.known.labels, *days]

    def future_names(self) -> list[str]:
        """What people call the columns of a step to come."""
        by_calendar = calendar_names(self.frequency) + self.static.labels
        return future_names(
            self.label, self.known_labels, by_calendar, self.seasons, self.gaps, self.apart > 0
        )

    def vector_names(self) -> list[str]:
        """What people call the numbers of a series' vector."""
        text = _("number {place} of the series' vector")
        return [text.format(place=place) for place in range(1, self.embedding + 1)]

    def past_names(self) -> list[str]:
        """What people call the columns of a row of the window."""
        names = self.future_names()
        return past_names(self.label, self.past.labels, names, self.gaps)

    @property
    def label(self) -> str:
        """What people call the target as it is learned."""
        label = self.columns.target
        if self.power is not None:
            text = _("power of {column}") if self.power else _("logarithm of {column}")
            label = text.format(column=label)
        return _("difference of {column}").format(column=label) if self.apart else label

    def decode(
        self, scaled: NDArray[np.floating], series: Series, origins: Rows
    ) -> NDArray[np.float64]:
        """Values `[M, ...]` of the target after rows `origins [M]`, in its own unit."""
        scales, own = self.scales(series), series.of(origins)
        shape = (-1, *[1] * (scaled.ndim - 1))
        mean, scale = scales.mean[own].reshape(shape), scales.scale[own].reshape(shape)
        values = scaled.astype(np.float64) * scale + mean
        return values if self.power is None else restored(values, self.power)

    def to_json(self) -> dict[str, Any]:
        """Plain values, for the run directory."""
        return {
            "columns": {
                "time": self.columns.time,
                "target": self.columns.target,
                "known": list(self.columns.known),
                "past": list(self.columns.past),
                "series": self.columns.series,
                "static": list(self.columns.static),
                "wide": list(self.columns.wide),
                "parent": list(self.columns.parent),
            },
            "ids": list(self.ids),
            "gaps": self.gaps,
            "frequency": self.frequency.key,
            "target": self.target.to_json(),
            "known": self.known.to_json(),
            "past": self.past.to_json(),
            "static": self.static.to_json(),
            "power": self.power,
            "apart": self.apart,
            "outliers": None if self.outliers is None else self.outliers.to_json(),
            "embedding": self.embedding,
            "told_apart": self.told_apart,
            "seasons": list(self.seasons),
            "lookback": self.lookback,
            "horizon": self.horizon,
            "block": self.block,
            "holidays": None if self.holidays is None else self.holidays.to_json(),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Encoding":
        """What `to_json` gave; InputError if it is anything else."""
        try:
            names, holidays = content["columns"], content.get("holidays")
            columns = Columns(
                names["time"],
                names["target"],
                tuple(names["known"]),
                tuple(names["past"]),
                str(names.get("series", "")),
                tuple(map(str, names.get("static", ()))),
                tuple(map(str, names.get("wide", ()))),
                tuple(map(str, names.get("parent", ()))),
            )
            static = content.get("static", Covariates.none().to_json())
            power, block = content.get("power"), content.get("block")
            ids, outliers = tuple(map(str, content.get("ids", [""]))), content.get("outliers")
            encoding = cls(
                columns=columns,
                ids=ids,
                gaps=bool(content.get("gaps", False)),
                frequency=parse(content["frequency"]),
                target=Scaler.from_json(content["target"]),
                known=Covariates.from_json(columns.known, content["known"]),
                past=Covariates.from_json(columns.past, content["past"]),
                seasons=tuple(map(int, content["seasons"])),
                lookback=int(content["lookback"]),
                horizon=int(content["horizon"]),
                holidays=None if holidays is None else Holidays.from_json(holidays),
                static=Covariates.from_json(columns.static, static),
                power=None if power is None else float(power),
                apart=int(content.get("apart", 0)),
                block=None if block is None else int(block),
                outliers=None if outliers is None else Outliers.from_json(ids, outliers),
                embedding=int(content.get("embedding", 0)),
                told_apart=bool(content.get("told_apart", True)),
            )
            encoding._require_sound()
            return encoding
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError(
                _("codec.json: not a forecaster's encoding ({error})").format(error=error)
            ) from error

    def _require_sound(self) -> None:
        """ValueError unless the parts can be those of one encoding."""
        seasons = self.seasons
        if seasons != tuple(sorted(set(seasons))) or min(seasons, default=1) < 1:
            raise ValueError(
                _("expected increasing seasons of at least 1 step, got {seasons}").format(
                    seasons=seasons
                )
            )
        if self.power is not None and not 0 <= self.power < np.inf:
            raise ValueError(
                _("expected a power of at least 0, got {power}").format(power=self.power)
            )
        if self.apart < 0:
            raise ValueError(
                _("expected differences over at least 1 row, got {apart}").format(apart=self.apart)
            )
        if min(self.lookback, self.horizon) < 1:
            problem = _(
                "expected a lookback and a horizon of at least 1 step, got {lookback} and {horizon}"
            )
            raise ValueError(problem.format(lookback=self.lookback, horizon=self.horizon))
        if not 1 <= self.at_once <= self.horizon:
            problem = _("expected a block of 1 to {horizon} steps, got {block}")
            raise ValueError(problem.format(horizon=self.horizon, block=self.block))
        if len(self.target.mean) != len(self.ids):
            raise ValueError(
                _("expected a scale for each of {expected} series, got {count}").format(
                    expected=len(self.ids), count=len(self.target.mean)
                )
            )


def _longest(series: Series) -> NDArray[np.floating]:
    """The target of the longest series, with the value before in its gaps."""
    if not len(series):
        return series.target
    one = series.one(int(np.diff(series.starts).argmax()))
    y = carried(one.target, one.starts)
    return y[~np.isnan(y)]
