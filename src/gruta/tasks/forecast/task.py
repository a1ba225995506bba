"""The forecaster as a task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, Field

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.encoding import Encoding
from gruta.codec.series.series import Columns, Series
from gruta.tasks.forecast.settings import ForecastSettings
from gruta.tasks.forecast.split import Parts, Split
from gruta.tasks.scores import Metric
from gruta.tasks.task import Input, Look, Options, Report

if TYPE_CHECKING:
    import polars as pl

    from gruta.report.page import Table
    from gruta.tasks.forecast.evaluation import Evaluation
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

    @property
    def seen(self) -> Series:
        """The rows that training sees."""
        return self.series.rows(0, self.parts.seen)

    def fingerprint(self) -> str:
        """Of the rows that training sees."""
        return self.seen.fingerprint()


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


@dataclass(frozen=True)
class ForecastTask:
    """Forecast a series by a recurrent network beside a linear path.

    layers: the classes of the recurrent layers by cell; None: gruta's.
    """

    layers: Mapping[str, type[Any]] | None = None

    name = "forecast"
    summary = (
        "Train a forecaster on FILE: a row a time step, stamps in even steps. The end of the file "
        "is held out, forecast, and scored beside naive, seasonal naive and linear forecasts."
    )
    settings, codec, packages = ForecastSettings, ForecastCodec, ("utilsforecast",)
    input = Input("FILE", "CSV or Parquet file.")
    options = Options(evaluate=EvaluateOptions, inspect=InspectOptions)

    @property
    def metrics(self) -> Sequence[Metric]:
        """Lower is better in all but coverage, which should be what was promised."""
        from gruta.tasks.forecast.scores import METRICS

        return METRICS

    def read(self, source: Any, settings: Settings) -> SeriesInParts:
        """The series of a file or frame; its end is held out."""
        s = settings
        series = as_series(source, Columns(s.time, s.target, s.known, s.past))
        return SeriesInParts(series, Parts.of(series.observed, settings))

    def fit_codec(self, data: SeriesInParts, settings: Settings) -> ForecastCodec:
        """Scales and seasons of the training part; intervals are as the network has them yet."""
        from gruta.tasks.forecast.scores import seasonal_error

        seen, train = data.seen, data.parts.train
        encoding = Encoding.fit(seen, train, settings.lookback, settings.horizon)
        season = encoding.seasons[0] if encoding.seasons else 1
        error = seasonal_error(seen.target[:train], season)
        spread = np.ones(len(settings.quantiles), np.float32)
        return ForecastCodec(encoding, spread, error, seen.times[-1])

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
        from gruta.tasks.forecast.lesson import ForecastLesson

        table = codec.encoding.table(data.seen)
        return ForecastLesson(network, table, Split.of(table, data.parts), settings)

    def settle(self, lesson: "ForecastLesson", codec: ForecastCodec) -> ForecastCodec:
        """See on the validation part how far to trust the network, and how wide to forecast."""
        return codec.settled(*lesson.on_validation(), lesson.settings.quantiles)

    def head(self, trained: "Trained[ForecastCodec]") -> "ForecastHead":
        """The network on NumPy arrays."""
        from gruta.tasks.forecast.head import ForecastHead

        table = trained.codec.encoding.empty_table()
        return ForecastHead(trained.weights, table, trained.settings, trained.codec.trust)

    def answer(self, trained: "Trained[ForecastCodec]", source: Any, **how: Any) -> "pl.DataFrame":
        """Quantiles for the horizon after the last row of `source` that has a target."""
        import polars as pl

        return pl.DataFrame(forecast(trained, as_series(source, trained.codec.encoding.columns)))

    def evaluate(
        self,
        trained: "Trained[ForecastCodec]",
        source: Any,
        *,
        start: str | np.datetime64 | None = None,
        stride: int | None = None,
    ) -> "Evaluation":
        """Forecasts and scores from every `stride`-th row (a horizon), with the baselines.

        start: the first stamp to forecast; by default the first that training did not see.
        """
        from gruta.tasks.forecast.evaluation import evaluate, first_stamp, origins_from

        encoding = trained.codec.encoding
        series = as_series(source, encoding.columns)
        step = encoding.horizon if stride is None else stride
        first = first_stamp(trained.codec, start)
        return evaluate(trained, series, origins_from(series, encoding, first, step))

    def held_out(self, source: Any, settings: Settings) -> Mapping[str, Any] | None:
        """The same series: its end was not seen."""
        return {"source": source} if settings.test_share else None

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

    def look(
        self,
        trained: "Trained[ForecastCodec]",
        source: Any,
        *,
        start: str | np.datetime64 | None = None,
    ) -> Look:
        """The window before `start`, or before the last horizon that is there to compare with."""
        from gruta.tasks.forecast.look import look

        return look(trained, as_series(source, trained.codec.encoding.columns), start)


def as_series(source: Any, columns: Columns) -> Series:
    """A file or frame as a series of these columns; a series as it is."""
    if isinstance(source, Series):
        return source
    from gruta.data.series import read_series

    return read_series(source, columns)


def forecast(trained: "Trained[ForecastCodec]", series: Series) -> dict[str, Any]:
    """The time, the median and the quantiles of the horizon to come, by column."""
    from gruta.tasks.forecast.forecasts import quantiles, with_rows_to_come

    encoding, levels = trained.codec.encoding, trained.settings.quantiles
    series = with_rows_to_come(series, encoding.history, encoding.horizon)
    origin = series.observed - 1
    found = quantiles(trained, series, np.array([origin]))[0]
    columns: dict[str, Any] = {
        encoding.columns.time: series.times[origin + 1 : origin + 1 + encoding.horizon],
        "forecast": found[:, levels.index(0.5)],
    }
    return columns | {f"q{100 * q:g}": found[:, i] for i, q in enumerate(levels)}


TASK = ForecastTask()
