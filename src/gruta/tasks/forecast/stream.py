"""A series that is forecast anew whenever rows have come, by the rows that still tell something."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.features import first_origin
from gruta.codec.series.frequency import as_shown
from gruta.codec.series.intervals import rows_before
from gruta.codec.series.rows import Rows as NextRow
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runtime import checks
from gruta.runtime.stream import Arrays, Stream
from gruta.tasks.forecast.coming import with_rows_to_come
from gruta.tasks.forecast.forecasts import quantiles
from gruta.tasks.forecast.given import (
    Columns,
    Given,
    as_series,
    known_of,
    moments,
    name_of,
    past_of,
    require_known,
    statics_of,
    targets,
)
from gruta.tasks.forecast.model import Forecast, ForecastModel

_TIMES = 2
"""Rows are dropped once there are so many times as many as tell something."""


class ForecastStream(Stream[ForecastModel]):
    """A series under way.

    given: the rows that have come and still tell something. dropped: how many came before them.
    negative: whether a value below 0 was among those.
    """

    given: Given
    dropped: int
    negative: bool

    def __init__(
        self,
        model: ForecastModel,
        *,
        start: Any = None,
        static: Mapping[str, Any] | None = None,
        series: str | None = None,
    ) -> None:
        """start: the stamp of the first row, by the data's clock; static, series: as the model's
        call has them.
        """
        super().__init__(model)
        encoding = model.codec.encoding
        if model.codec.hierarchy is not None:
            problem = _("series that sum up are forecast together, without a stream; call many")
            raise InputError(problem)
        if isinstance(encoding.frequency, NextRow) and not encoding.frequency.numbered:
            problem = _("rows that follow no even step have no stream; call the model with times")
            raise InputError(problem)
        begin, _stamps = moments(encoding, start, None, 0)
        self._begin, self._name = begin, name_of(encoding, series)
        self._static = statics_of(encoding, static)
        self.reset()

    @classmethod
    def bare(cls, model: ForecastModel) -> "ForecastStream":
        """One that is nothing before `set_state`."""
        found = cls.__new__(cls)
        Stream.__init__(found, model)
        return found

    def accept(
        self,
        target: Any,
        *,
        known: Mapping[str, Any] | None = None,
        past: Mapping[str, Any] | None = None,
    ) -> None:
        """Values of the target that have come, `[n]` or one, with their past covariates.

        known: of each column the values that follow those accepted before; they may run ahead of
        the target, and a forecast wants them to do so by the horizon.
        """
        encoding, before = self.model.codec.encoding, self.given
        own = targets(encoding, [target] if np.ndim(target) == 0 else target)
        names = encoding.columns
        ahead = known_of(encoding, _each(known) or {name: [] for name in names.known})
        came = past_of(encoding, _each(past), len(own))
        joined = {name: _joined(before.known[name], more) for name, more in ahead.items()}
        require_known(joined, len(before.target) + len(own))
        self.given = replace(
            before,
            target=np.concatenate([before.target, own]),
            known=joined,
            past={name: _joined(before.past[name], more) for name, more in came.items()},
        )
        self._unread |= len(own) > 0
        self._drop()

    def ready(self) -> bool:
        """Whether a row has come since the last forecast, and enough of them for one."""
        return self._unread and len(self.given.target) >= self.model.history

    def result(self) -> Forecast:
        """The forecast after the newest row that was taken in; InputError before the first."""
        if self._found is None:
            problem = _("no forecast yet: it takes {rows} rows; accept them, and advance")
            raise InputError(problem.format(rows=self.model.history))
        row, values = self._found
        encoding = self.model.codec.encoding
        stamps = encoding.frequency.shift(np.asarray(self._begin), row + np.arange(len(values)))
        times = as_shown(stamps, encoding.frequency)
        return Forecast(self._name, times, self.model.levels, values)

    def reset(self) -> None:
        """Begin anew with the same start."""
        names, words = self.model.codec.encoding.columns, self.model.codec.encoding.words

        def none(columns: Sequence[str]) -> Columns:
            return {name: [] if name in words else np.empty(0) for name in columns}

        known, past = none(names.known), none(names.past)
        self.given = Given(self._name, np.empty(0), self._begin, known, past, self._static)
        self.dropped, self.negative, self._unread = 0, False, False
        self._found: tuple[int, NDArray[np.float64]] | None = None

    def take(self, values: NDArray[np.float64]) -> None:
        """The quantiles `[K, Q]` after the newest row with a value."""
        last = int(np.flatnonzero(~np.isnan(self.given.target))[-1])
        self._found = self.dropped + last + 1, values
        self._unread = False

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """All that it is."""
        arrays: dict[str, NDArray[Any]] = {"target": self.given.target}
        texts: dict[str, Any] = {}
        for side in ("known", "past"):
            for name, own in getattr(self.given, side).items():
                if isinstance(own, list):
                    texts[f"{side}.{name}"] = own
                else:
                    arrays[f"{side}.{name}"] = own
        if self._found is not None:
            arrays["quantiles"] = self._found[1]
        values = {
            "begin": str(self._begin),
            "series": self._name,
            "static": self._static,
            "texts": texts,
            "dropped": self.dropped,
            "negative": self.negative,
            "unread": self._unread,
            "row": None if self._found is None else self._found[0],
        }
        return values, arrays

    def set_state(self, values: Mapping[str, Any], arrays: Arrays) -> None:
        """Be what `state` told."""
        encoding = self.model.codec.encoding
        self._begin = np.datetime64(values["begin"], "us")
        self._name = name_of(encoding, values["series"])
        self._static = statics_of(encoding, values["static"])
        self.reset()
        columns = {**{k: v for k, v in arrays.items() if "." in k}, **values["texts"]}
        known, past = (
            {k.partition(".")[2]: v for k, v in columns.items() if k.startswith(side)}
            for side in ("known.", "past.")
        )
        own = targets(encoding, arrays["target"])
        found = known_of(encoding, known)
        require_known(found, len(own))
        self.dropped = checks.whole("dropped", values["dropped"], 0, 2**40)
        self.negative, self._unread = bool(values["negative"]), bool(values["unread"])
        self.given = replace(
            self.given,
            target=own,
            begin=self._moment(self.dropped),
            known=found,
            past=past_of(encoding, past, len(own)),
        )
        if values["row"] is not None:
            shape = ("steps", len(self.model.levels))
            told = checks.numbers("quantiles", arrays["quantiles"], shape)
            self._found = checks.whole("row", values["row"], 0, 2**40), told

    def _moment(self, row: int) -> np.datetime64:
        """Of a row, counted from the first of all."""
        found: np.datetime64 = self.model.codec.encoding.frequency.shift(
            np.array([self._begin]), row
        )[0]
        return found

    def _drop(self) -> None:
        """Rows that tell nothing of any forecast to come, as soon as these are as many as those
        that do; of a series that training did not see all tell its scale.
        """
        encoding, rows = self.model.codec.encoding, len(self.given.target)
        if self._name not in encoding.ids or rows <= _TIMES * (kept := _telling(self.model, self)):
            return
        there = ~np.isnan(self.given.target)
        for first in range(rows - kept, 0, -1):
            if there[first : first + max(1, encoding.apart)].all():
                break
        else:
            return
        read = encoding.read(as_series(encoding, [self.given])).target[:first]
        self.negative |= bool((read < 0).any())
        self.dropped += first
        self.given = replace(
            self.given,
            target=self.given.target[first:].copy(),
            begin=self._moment(self.dropped),
            known={name: own[first:] for name, own in self.given.known.items()},
            past={name: own[first:] for name, own in self.given.past.items()},
        )


@dataclass(frozen=True, eq=False)
class _Asked:
    """A model with another codec."""

    codec: ForecastCodec
    settings: Any
    head: Any


def advanced(model: ForecastModel, ready: Sequence[ForecastStream]) -> None:
    """A forecast of each, in one pass over all; those in two that may be below 0 or may not."""
    encoding, policy = model.codec.encoding, model.settings.missing_known
    for negative, group in groupby(sorted(ready, key=lambda s: s.negative), lambda s: s.negative):
        some = list(group)
        codec = replace(model.codec, never_negative=False) if negative else model.codec
        asked = _Asked(codec, model.settings, model.head)
        series = as_series(encoding, [one.given for one in some])
        series = with_rows_to_come(series, encoding, policy)
        found = quantiles(asked, series, series.ends - 1)
        for one, values in zip(some, found, strict=True):
            one.take(values)


def _telling(model: ForecastModel, stream: ForecastStream) -> int:
    """How many rows before the newest have a part in a forecast: its own history, that of the
    earlier ones whose misses tell how wide it is to be, and what tells outliers apart.
    """
    codec, encoding = model.codec, model.codec.encoding
    rows = first_origin(encoding.seasons, encoding.lookback, encoding.at_once, encoding.apart) + 2
    if codec.usual is not None and len(model.levels) > 1:
        rows += int(rows_before(encoding.horizon).max())
    if encoding.outliers is not None:
        rows += encoding.outliers.reach(encoding.frequency, stream.given.begin)
    return rows


def _each(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Columns, with a list for a lone value."""
    if not isinstance(given, Mapping):
        return given
    return {name: [own] if np.ndim(own) == 0 else own for name, own in given.items()}


def _joined(before: Any, more: Any) -> Any:
    return [*before, *more] if isinstance(more, list) else np.concatenate([before, more])
