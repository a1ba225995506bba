"""The forecaster as a task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.series import Series
from gruta.extras import need
from gruta.tasks.forecast.many.options import SpreadOptions
from gruta.tasks.forecast.options import (
    EvaluateOptions,
    ExplainOptions,
    InspectOptions,
    PredictOptions,
)
from gruta.tasks.forecast.settings import ForecastSettings, MissingKnown
from gruta.tasks.forecast.source import SeriesInParts, as_series, in_parts, series_for
from gruta.tasks.forecast.split import Split
from gruta.tasks.scores import Metric
from gruta.tasks.task import Input, Judged, Look, Options, Report

if TYPE_CHECKING:
    import polars as pl

    from gruta.report.page import Table
    from gruta.runs import Run
    from gruta.tasks.forecast.ensemble import Ensemble
    from gruta.tasks.forecast.evaluation import Evaluation
    from gruta.tasks.forecast.explain.told import Told
    from gruta.tasks.forecast.head import ForecastHead
    from gruta.tasks.forecast.lesson import ForecastLesson
    from gruta.tasks.forecast.many.spread import Spread, Watch
    from gruta.tasks.forecast.network import ForecastNetwork
    from gruta.tasks.portrait import Portrait
    from gruta.tasks.trained import Trained
    from gruta.train import Progress

Settings = ForecastSettings
"""Short for the signatures below."""


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
    options = Options(
        evaluate=EvaluateOptions,
        predict=PredictOptions,
        inspect=InspectOptions,
        explain=ExplainOptions,
        spread=SpreadOptions,
    )

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
        if settings.parent and settings.reconcile != "bottom_up":
            need("hierarchicalforecast")
        return in_parts(source, settings)

    def leaves_open(self, settings: Settings) -> bool:
        """With a budget to choose in, or a transform to be found out."""
        return settings.auto > 0 or settings.transform == "auto"

    def choose(
        self, data: SeriesInParts, settings: Settings, run: "Run", progress: "Progress"
    ) -> Settings:
        """Try transforms, windows and sizes on what comes before the test."""
        from gruta.tasks.forecast.choice.trying import choose

        return choose(self, data, settings, run, progress)

    def tried(self, choice: Mapping[str, Any]) -> "tuple[Table, str]":
        """A row a trial, and what was chosen."""
        from gruta.tasks.forecast.choice.report import table, why

        return table(choice), why(choice)

    def fit_codec(self, data: SeriesInParts, settings: Settings) -> ForecastCodec:
        """Scales and seasons of the training part; intervals are as the network has them yet."""
        from gruta.tasks.forecast.fitted import codec_of

        return codec_of(data, settings)

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
        split, steps = Split.of(table, data.parts), codec.encoding.horizon
        return ForecastLesson(network, table, split, settings, steps=steps, seen=data.seen)

    def settle(self, lesson: "ForecastLesson", codec: ForecastCodec) -> ForecastCodec:
        """See how far to trust the network, how wide to forecast, and how series sum up."""
        levels = lesson.settings.quantiles
        with lesson.as_chosen():
            if lesson.settings.embedding == "auto" and codec.encoding.embedding:
                encoding = replace(codec.encoding, told_apart=lesson.gains())
                codec = replace(codec, encoding=encoding)
        seen = lesson.learned(), lesson.known()
        with lesson.as_chosen():
            found = codec.settled(lesson.on_validation(), lesson.rolled(), levels, *seen)
            if lesson.seen is not None and lesson.seen.parents:
                state = lesson.model.state_dict().items()
                weights = {name: weight.detach().cpu().numpy() for name, weight in state}
                split = lesson.split.with_more(codec.encoding.horizon - lesson.table.horizon)
                found = self._reconciled(found, weights, lesson.settings, lesson.seen, split)
        return found

    def _reconciled(
        self,
        codec: ForecastCodec,
        weights: Mapping[str, NDArray[Any]],
        settings: Settings,
        seen: Series,
        split: Split,
    ) -> ForecastCodec:
        """With what makes forecasts of the series that training saw sum up."""
        from gruta.tasks.forecast.reconcile import with_hierarchy
        from gruta.tasks.trained import Trained

        plain = replace(codec, hierarchy=None)
        return with_hierarchy(Trained(self, settings, plain, weights, data=""), seen, split)

    def members(self, settings: Settings) -> dict[str, tuple["ForecastTask", Settings]]:
        """Those of the settings' seeds, each by direct and recursive forecasts where it is both."""
        from gruta.tasks.forecast.names import members_of

        if len(members := members_of(settings)) == 1:
            return {}
        return {name: (self, settings.one(*how)) for name, how in members.items()}

    def combined(
        self,
        members: Sequence["Trained[ForecastCodec]"],
        data: SeriesInParts,
        settings: Settings,
    ) -> ForecastCodec:
        """With intervals of the mean of their forecasts, from the rolling origins of a lone one."""
        from gruta.codec.series.intervals import rolling
        from gruta.tasks.forecast.ensemble import Ensemble
        from gruta.tasks.members import joined

        codecs = tuple(member.codec for member in members)
        codec = replace(
            codecs[0],
            growth=(),
            members=codecs,
            optimism=float(np.mean([one.optimism for one in codecs])),
            hindsight=float(np.mean([one.hindsight for one in codecs])),
        )
        table, horizon = codec.encoding.table(data.seen), codec.encoding.horizon
        split = Split.of(table, data.parts).with_more(horizon - table.horizon)
        origins, firsts = rolling(*split.ends, horizon)
        forecast = Ensemble([m.head for m in members]).changes(table, origins, horizon)
        target = table.changes(origins, np.arange(1, horizon + 1))
        # The members say too well what they know.
        median = forecast[..., settings.quantiles.index(0.5)]
        off = codec.optimism_at(data.seen.times_at(origins))[:, None] * (target - median)
        target = median + off.astype(np.float32)
        found = codec.calibrated(origins, firsts, forecast, target, settings.quantiles)
        if not data.seen.parents:
            return found
        own = zip(self.members(settings), members, strict=True)
        weights = joined({name: member.weights for name, member in own})
        return self._reconciled(found, weights, settings, data.seen, split)

    def head(self, trained: "Trained[ForecastCodec]") -> "ForecastHead | Ensemble":
        """The network on NumPy arrays; of an ensemble all."""
        from gruta.tasks.forecast.head import head_of

        return head_of(trained)

    def answer(
        self,
        trained: "Trained[ForecastCodec]",
        source: Any,
        *,
        missing_known: MissingKnown | None = None,
        horizon: int | None = None,
    ) -> "pl.DataFrame":
        """Quantiles for the horizon after the last row of `source` that has a target.

        missing_known, horizon: a policy and a number of steps in place of the run's.
        """
        from gruta.tasks.forecast.answers import forecast

        return forecast(trained, series_for(trained, source), missing_known, horizon)

    def names_many(self, source: str) -> bool:
        """A folder, a pattern or an address: of Parquet files."""
        from gruta.tasks.forecast.many.files import names_many

        return names_many(source)

    def spread(
        self,
        run: Path,
        source: str,
        out: str,
        *,
        watch: "Watch | None" = None,
        how: Mapping[str, Any] | None = None,
        missing_known: MissingKnown | None = None,
        horizon: int | None = None,
        **told: Any,
    ) -> "Spread":
        """What `answer` says, of all series of Parquet files, as Parquet files in `out`.

        how: settings by which files are read, in place of the run's. told: `SpreadOptions`.
        """
        from gruta.settings import resolve
        from gruta.tasks.forecast.many.spread import spread
        from gruta.tasks.forecast.many.work import Question

        question = Question(how or {}, horizon, missing_known)
        options = resolve(SpreadOptions, told)
        return spread(run, source, out, options, question, watch or (lambda standing: None))

    def evaluate(
        self,
        trained: "Trained[ForecastCodec]",
        source: Any,
        *,
        start: str | np.datetime64 | None = None,
        stride: int | None = None,
        statistical: bool = False,
        importance: bool = False,
        like: "Evaluation | None" = None,
    ) -> "Evaluation":
        """Forecasts and scores from every `stride`-th row (a horizon), with the baselines.

        start: the first stamp to forecast; by default the first that training did not see.
        statistical: beside statsforecast's models too. importance: what the inputs are worth too,
        of the series that it was trained on. like: of another network, trained and scored on the
        same; its simple forecasts are not made again.
        """
        from gruta.tasks.forecast.evaluation import evaluate, first_stamp, origins_from
        from gruta.tasks.forecast.explain.importance import importances

        encoding = trained.codec.encoding
        series = series_for(trained, source)
        step = encoding.horizon if stride is None else stride
        first = first_stamp(trained.codec, start)
        origins = origins_from(series, encoding, first, step)
        found = evaluate(trained, series, origins, statistical=statistical, like=like)
        return replace(found, importances=importances(trained, series)) if importance else found

    def held_out(self, source: Any, settings: Settings) -> Mapping[str, Any] | None:
        """The same series: its end was not seen."""
        return {"source": source, "importance": True} if settings.test_share else None

    def judged(self, found: "Evaluation") -> Judged:
        """The mean absolute error, or of values many of which are 0 the CRPS, by moments."""
        moments, which = np.unique(found.moments, return_inverse=True)
        missed, name = found.missed, found.judged
        metric = next(one for one in found.metrics if one.name == name)

        def score(some: NDArray[np.int64]) -> float:
            return float(np.nanmean(missed[np.isin(which, some)]))

        return Judged(metric, len(moments), score)

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
        from gruta.tasks.forecast.choice.report import section
        from gruta.tasks.forecast.report import report

        told = report(found, metrics, trained.settings)
        if trained.choice is None:
            return told
        *before, settings = told.sections
        return replace(told, sections=[*before, section(trained.choice), settings])

    def explain(
        self,
        trained: "Trained[ForecastCodec]",
        source: Any,
        *,
        at: str | np.datetime64 | None = None,
        against: str | np.datetime64 | None = None,
        other: Any = None,
        series: str | None = None,
        missing_known: MissingKnown | None = None,
    ) -> "Told":
        """The forecast from `at` on, and what changed since that from `against` on, of `other`."""
        from gruta.tasks.forecast.explain import explain
        from gruta.tasks.forecast.explain.told import Told

        rows = series_for(trained, source)
        how: dict[str, Any] = {"missing_known": missing_known}
        found, change = explain(trained, rows, at, series, **how), None
        if against is not None or other is not None:
            before = rows if other is None else series_for(trained, other)
            first, called = (at, "at") if against is None else (against, "against")
            earlier = explain(trained, before, first, series, called=called, **how)
            change = found.change_from(earlier)
        return Told(found, change, trained.settings.cell, trained.codec.hierarchy is not None)

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

    def portrait(self, trained: "Trained[ForecastCodec]", source: Any = None) -> "Portrait":
        """The encoder, and the last window of a series."""
        from gruta.tasks.forecast.portrait import portrait

        return portrait(trained, None if source is None else series_for(trained, source))


TASK = ForecastTask()
