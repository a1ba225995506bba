"""The forecaster as a task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, Field

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.encoding import Encoding
from gruta.codec.series.frequency import Frequency
from gruta.codec.series.holidays import Holidays
from gruta.codec.series.power import require_positive
from gruta.codec.series.series import Columns, Series
from gruta.errors import InputError
from gruta.extras import need
from gruta.locale import translate as _
from gruta.locale.numbers import number, stamp
from gruta.settings import reading
from gruta.tasks.forecast.settings import ForecastSettings
from gruta.tasks.forecast.split import Parts, Split
from gruta.tasks.scores import Metric
from gruta.tasks.task import Input, Look, Options, Report

if TYPE_CHECKING:
    import polars as pl

    from gruta.report.page import Table
    from gruta.tasks.forecast.evaluation import Evaluation
    from gruta.tasks.forecast.explain.told import Told
    from gruta.tasks.forecast.head import ForecastHead
    from gruta.tasks.forecast.lesson import ForecastLesson
    from gruta.tasks.forecast.network import ForecastNetwork
    from gruta.tasks.trained import Trained

Settings = ForecastSettings
"""Short for the signatures below."""


@dataclass(frozen=True, eq=False)
class SeriesInParts:
    """A series, and how many of its rows training sees."""

    series: Series
    parts: Parts

    @cached_property
    def seen(self) -> Series:
        """The rows that training sees."""
        return self.series.until(self.parts.seen)

    def fingerprint(self) -> str:
        """Of the rows that training sees."""
        return self.seen.fingerprint()

    def told(self) -> list[tuple[str, str]]:
        """How many series and rows, their stamps and step, and where the parts end."""
        from gruta.codec.series.frequency import show

        series, longest = self.series, int(np.diff(self.series.starts).argmax())
        first, train = series.starts[longest], self.parts.train[longest]
        marks = np.array([0, train, self.parts.seen[longest], series.ends[longest] - first])
        times = series.times_at(first + marks.clip(1) - 1)
        stamps = [stamp(show(t, series.frequency)) for t in times]
        return [
            (_("series"), number(series.count)),
            (_("rows"), number(len(series))),
            (_("step"), series.frequency.name),
            (_("first row of the longest series"), stamps[0]),
            (_("training ends"), stamps[1]),
            (_("validation ends"), stamps[2]),
            (_("last value"), stamps[3]),
        ]


class EvaluateOptions(BaseModel):
    """What an evaluation can be told."""

    start: str | None = Field(
        None,
        description="First stamp to forecast.",
        json_schema_extra={
            "flag": "--from",
            "metavar": "STAMP",
            "shown": "the first that training did not see",
        },
    )
    stride: int | None = Field(
        None,
        description="Rows from one forecast to the next.",
        json_schema_extra={"shown": "the horizon"},
    )
    statistical: bool = Field(
        False,
        description="Beside AutoETS, AutoARIMA and MSTL too, fitted before each forecast: for a "
        "minute, of as many forecasts as they manage. Needs the extra stats.",
    )


class InspectOptions(BaseModel):
    """What an X-ray can be told."""

    start: str | None = Field(
        None,
        description="First stamp to forecast, after the window that is looked at.",
        json_schema_extra={
            "flag": "--from",
            "metavar": "STAMP",
            "shown": "the last with a whole horizon",
        },
    )


class ExplainOptions(BaseModel):
    """What an explanation can be told."""

    at: str | None = Field(
        None,
        description="First stamp to forecast.",
        json_schema_extra={
            "flag": "--from",
            "metavar": "STAMP",
            "shown": "after the last value",
        },
    )
    against: str | None = Field(
        None,
        description="First stamp of another forecast: what changed since is told.",
        json_schema_extra={"metavar": "STAMP", "shown": "none"},
    )
    other: str | None = Field(
        None,
        description="File for the other forecast, such as one with another plan.",
        json_schema_extra={"flag": "--against-file", "metavar": "FILE", "shown": "none"},
    )
    series: str | None = Field(
        None,
        description="Which series, in a file of several.",
        json_schema_extra={"metavar": "ID", "shown": "the only one"},
    )


@dataclass(frozen=True)
class ForecastTask:
    """Forecast a series by a recurrent network beside a linear path.

    layers: the classes of the recurrent layers by cell; None: gruta's.
    """

    layers: Mapping[str, type[Any]] | None = None

    name = "forecast"
    summary = (
        "Train a forecaster on FILE: a row a time step, stamps in even steps. The end of the file "
        "is held out, forecast, and scored beside naive, drift, seasonal naive and linear "
        "forecasts."
    )
    settings, codec, packages = ForecastSettings, ForecastCodec, ("utilsforecast",)
    input = Input("FILE", "CSV, Excel or Parquet file.")
    options = Options(evaluate=EvaluateOptions, inspect=InspectOptions, explain=ExplainOptions)

    @property
    def metrics(self) -> Sequence[Metric]:
        """Lower is better in all but coverage, which should be what was promised."""
        from gruta.tasks.forecast.scores import METRICS

        return METRICS

    def open(self, source: Any, settings: Settings, codec: ForecastCodec | None = None) -> Series:
        """The series of a file or frame."""
        return as_series(source, settings, codec)

    def of_text(self, text: str, codec: ForecastCodec) -> None:
        """It reads no text."""

    def read(self, source: Any, settings: Settings) -> SeriesInParts:
        """The same, with its end held out."""
        if settings.holidays:
            need("holidays")
        series = self.open(source, settings)
        return SeriesInParts(series, Parts.of(series, settings))

    def fit_codec(self, data: SeriesInParts, settings: Settings) -> ForecastCodec:
        """Scales and seasons of the training part; intervals are as the network has them yet."""
        if settings.transform != "auto":
            return self._codec(data, settings, settings.transform)
        from gruta.tasks.forecast.choice import best_transform

        def with_transform(name: str) -> ForecastCodec:
            return self._codec(data, settings, name)

        return best_transform(with_transform, data, settings.ridge)

    def _codec(self, data: SeriesInParts, settings: Settings, transform: str) -> ForecastCodec:
        from gruta.tasks.forecast.scores import seasonal_errors

        seen, train = data.seen, data.parts.train
        days = known_holidays(seen, settings)
        if transform != "none":
            require_positive(data.series)  # the test, which is forecast from too, included
        encoding = Encoding.fit(seen, train, settings.lookback, settings.horizon, days, transform)
        season = encoding.seasons[0] if encoding.seasons else 1
        errors = seasonal_errors(seen.until(train).nonempty(), season)
        spread = np.ones(len(settings.quantiles), np.float32)
        return ForecastCodec(
            encoding,
            spread,
            errors,
            seen.nonempty().last,
            never_negative=not bool((seen.target < 0).any()),
        )

    def network(self, codec: ForecastCodec, settings: Settings) -> "ForecastNetwork":
        """Untrained, as wide as the codec's columns."""
        from gruta.nn import CELLS
        from gruta.tasks.forecast.network import ForecastNetwork

        table = codec.encoding.empty_table()
        return ForecastNetwork.of(table, settings, self.layers or CELLS, codec.trust)

    def lesson(
        self,
        network: "ForecastNetwork",
        codec: ForecastCodec,
        data: SeriesInParts,
        settings: Settings,
    ) -> "ForecastLesson":
        """Windows of the training part."""
        from gruta.tasks.forecast.choice import why
        from gruta.tasks.forecast.lesson import ForecastLesson

        table = codec.encoding.table(data.seen)
        notes = [why(codec)] if settings.transform == "auto" else []
        return ForecastLesson(network, table, Split.of(table, data.parts), settings, notes)

    def settle(self, lesson: "ForecastLesson", codec: ForecastCodec) -> ForecastCodec:
        """See how far to trust the network, and how wide to forecast."""
        return codec.settled(lesson.on_validation(), lesson.rolled(), lesson.settings.quantiles)

    def head(self, trained: "Trained[ForecastCodec]") -> "ForecastHead":
        """The network on NumPy arrays."""
        from gruta.tasks.forecast.head import ForecastHead

        table = trained.codec.encoding.empty_table()
        return ForecastHead(trained.weights, table, trained.settings, trained.codec.trust)

    def answer(self, trained: "Trained[ForecastCodec]", source: Any, **how: Any) -> "pl.DataFrame":
        """Quantiles for the horizon after the last row of `source` that has a target."""
        return forecast(trained, series_for(trained, source))

    def evaluate(
        self,
        trained: "Trained[ForecastCodec]",
        source: Any,
        *,
        start: str | np.datetime64 | None = None,
        stride: int | None = None,
        statistical: bool = False,
        importance: bool = False,
    ) -> "Evaluation":
        """Forecasts and scores from every `stride`-th row (a horizon), with the baselines.

        start: the first stamp to forecast; by default the first that training did not see.
        statistical: beside statsforecast's models too. importance: what the inputs are worth too,
        of the series that it was trained on.
        """
        from gruta.tasks.forecast.evaluation import evaluate, first_stamp, origins_from
        from gruta.tasks.forecast.explain.importance import importances

        encoding = trained.codec.encoding
        series = series_for(trained, source)
        step = encoding.horizon if stride is None else stride
        first = first_stamp(trained.codec, start)
        origins = origins_from(series, encoding, first, step)
        found = evaluate(trained, series, origins, statistical=statistical)
        return replace(found, importances=importances(trained, series)) if importance else found

    def held_out(self, source: Any, settings: Settings) -> Mapping[str, Any] | None:
        """The same series: its end was not seen."""
        return {"source": source, "importance": True} if settings.test_share else None

    def verdict(self, found: "Evaluation") -> str:
        """Against the best simple forecast."""
        from gruta.tasks.forecast.report import verdict

        return verdict(found)

    def scores(self, found: "Evaluation") -> "Table":
        """A row a model."""
        from gruta.tasks.forecast.report import scores

        return scores(found)

    def report(
        self,
        trained: "Trained[ForecastCodec]",
        found: "Evaluation",
        metrics: list[dict[str, Any]],
    ) -> Report:
        """How good it is, what it forecasts, how it learned."""
        from gruta.tasks.forecast.report import report

        return report(found, metrics, trained.settings)

    def explain(
        self,
        trained: "Trained[ForecastCodec]",
        source: Any,
        *,
        at: str | np.datetime64 | None = None,
        against: str | np.datetime64 | None = None,
        other: Any = None,
        series: str | None = None,
    ) -> "Told":
        """The forecast from `at` on, and what changed since that from `against` on, of `other`."""
        from gruta.tasks.forecast.explain import explain
        from gruta.tasks.forecast.explain.told import Told

        rows = series_for(trained, source)
        found, change = explain(trained, rows, at, series), None
        if against is not None or other is not None:
            before = rows if other is None else series_for(trained, other)
            first, called = (at, "at") if against is None else (against, "against")
            change = found.change_from(explain(trained, before, first, series, called=called))
        return Told(found, change, trained.settings.cell)

    def look(
        self,
        trained: "Trained[ForecastCodec]",
        source: Any,
        *,
        start: str | np.datetime64 | None = None,
    ) -> Look:
        """The window before `start`, or before the last horizon that is there to compare with."""
        from gruta.tasks.forecast.look import look

        return look(trained, series_for(trained, source), start)


def as_series(source: Any, settings: Settings, codec: ForecastCodec | None = None) -> Series:
    """A file or frame as series by the settings; series as they are.

    codec: of a trained model, which says the columns and the step.
    """
    if isinstance(source, Series):
        return source
    from gruta.data.repair import Policies
    from gruta.data.series import read_series

    s = settings
    step: str | Frequency = s.frequency
    columns, words = Columns(s.time, s.target, s.known, s.past, s.series, s.static), None
    if codec is not None:
        columns, step = codec.encoding.columns, codec.encoding.frequency
        words = codec.encoding.words
    policies = Policies(step, s.zone, s.duplicates, s.gaps, s.longest_gap)
    return read_series(source, columns, reading(s), policies, words)


def known_holidays(series: Series, settings: Settings) -> Holidays | None:
    """Those that the settings name, around the stamps of these series."""
    if not settings.holidays:
        return None
    from gruta.data.holidays import holidays_of

    if series.frequency.numbered:
        raise InputError(
            holidays=_("expected stamps with dates, found numbered rows; leave it out")
        )
    found = series.nonempty()
    return holidays_of(settings.holidays, found.begins.min(), found.last)


def series_for(trained: "Trained[ForecastCodec]", source: Any) -> Series:
    """Series that a trained model can read, by the rules of its training."""
    return as_series(source, trained.settings, trained.codec)


def forecast(trained: "Trained[ForecastCodec]", series: Series) -> "pl.DataFrame":
    """The series, the time by the data's own clock, the median and the quantiles of the horizon to
    come; ours have a suffix where the data's own are called so.
    """
    import polars as pl

    from gruta.tasks.forecast.forecasts import quantiles, with_rows_to_come
    from gruta.tasks.forecast.records import as_told, own_names, quantile_name

    encoding, levels = trained.codec.encoding, trained.settings.quantiles
    series = with_rows_to_come(series, encoding.history, encoding.horizon)
    origins = series.ends - 1
    at = origins[:, None] + np.arange(1, encoding.horizon + 1)
    found = quantiles(trained, series, origins).reshape(-1, len(levels))
    names, columns = encoding.columns, list[pl.Series]()
    if names.series:
        ids = np.repeat(np.array(series.ids, object), encoding.horizon)
        columns.append(pl.Series(names.series, ids.tolist(), pl.String))
    columns.append(as_told(names.time, series.times_at(at).ravel(), series))
    forecasts = {"forecast": found[:, levels.index(0.5)]}
    forecasts |= {quantile_name(q): found[:, i] for i, q in enumerate(levels)}
    own = own_names(forecasts, names)
    return pl.DataFrame([*columns, *(pl.Series(own[n], v) for n, v in forecasts.items())])


TASK = ForecastTask()
