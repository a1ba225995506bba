"""The forecaster as a task."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.encoding import Encoding
from gruta.codec.series.frequency import Frequency
from gruta.codec.series.holidays import Holidays
from gruta.codec.series.outliers import Outliers
from gruta.codec.series.power import require_positive
from gruta.codec.series.series import Columns, Series
from gruta.errors import InputError
from gruta.extras import need
from gruta.locale import translate as _
from gruta.locale.numbers import number, stamp
from gruta.reading import Guess
from gruta.settings import reading
from gruta.tasks.forecast.settings import ForecastSettings, MissingKnown
from gruta.tasks.forecast.split import Parts, Split
from gruta.tasks.scores import Metric
from gruta.tasks.task import Input, Look, Options, Report

if TYPE_CHECKING:
    import polars as pl

    from gruta.report.page import Table
    from gruta.runs import Run
    from gruta.tasks.forecast.ensemble import Ensemble
    from gruta.tasks.forecast.evaluation import Evaluation
    from gruta.tasks.forecast.explain.told import Told
    from gruta.tasks.forecast.head import ForecastHead
    from gruta.tasks.forecast.lesson import ForecastLesson
    from gruta.tasks.forecast.network import ForecastNetwork
    from gruta.tasks.trained import Trained
    from gruta.train import Progress

MOST_AUTO = 8
"""A vector of a series is no wider of itself."""

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


_MISSING_KNOWN: Any = Field(
    None,
    description="In place of the run's policy for known columns that lack values of the steps to "
    "come: refuse them, hold the last value, or take that of a season before.",
    json_schema_extra={"shown": "the run's"},
)


class PredictOptions(BaseModel):
    """What a forecast can be told."""

    missing_known: MissingKnown | None = _MISSING_KNOWN
    horizon: int | None = Field(
        None,
        gt=0,
        le=10_000,
        description="Steps to forecast; more than in training where the strategy was recursive, "
        "with intervals that grow by the root of their number.",
        json_schema_extra={"shown": "as in training"},
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
    missing_known: MissingKnown | None = _MISSING_KNOWN


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
        series = self.open(source, settings)
        return SeriesInParts(series, Parts.of(series, settings))

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
        from gruta.tasks.forecast.scores import seasonal_errors

        seen, train = data.seen, data.parts.train
        # What is left open is not chosen yet.
        transform = "none" if settings.transform == "auto" else settings.transform
        days = known_holidays(seen, settings)
        s = settings
        encoding = Encoding.fit(
            seen, train, s.lookback, s.horizon, days, transform, s.own_block, s.outliers
        )
        encoding = replace(encoding, embedding=_width(s.embedding, len(encoding.ids)))
        if {"log", "boxcox"} & set(transform.split("+")):
            # The test, which is forecast from too, included.
            require_positive(encoding.read(data.series))
        season = encoding.seasons[0] if encoding.seasons else 1
        errors = seasonal_errors(seen.until(train).nonempty(), season)
        spread = np.ones(len(settings.quantiles), np.float32)
        return ForecastCodec(
            encoding,
            spread,
            errors,
            seen.nonempty().last,
            never_negative=not bool((encoding.read(seen).target < 0).any()),
            zeros=share_of_zeros(seen),
            learned=last_learned(data, settings.horizon),
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
        from gruta.tasks.forecast.lesson import ForecastLesson

        table = codec.encoding.table(data.seen)
        split, steps = Split.of(table, data.parts), codec.encoding.horizon
        return ForecastLesson(network, table, split, settings, steps=steps, seen=data.seen)

    def settle(self, lesson: "ForecastLesson", codec: ForecastCodec) -> ForecastCodec:
        """See how far to trust the network, how wide to forecast, and how series sum up."""
        levels = lesson.settings.quantiles
        if lesson.settings.embedding == "auto" and codec.encoding.embedding:
            encoding = replace(codec.encoding, told_apart=lesson.gains())
            codec = replace(codec, encoding=encoding)
        found = codec.settled(lesson.on_validation(), lesson.rolled(), levels, lesson.learned())
        if lesson.seen is None or not lesson.seen.parents:
            return found
        weights = {n: w.detach().cpu().numpy() for n, w in lesson.model.state_dict().items()}
        split = lesson.split.with_more(codec.encoding.horizon - lesson.table.horizon)
        return self._reconciled(found, weights, lesson.settings, lesson.seen, split)

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
        both, alone = settings.strategy == "both", settings.ensemble == 1
        if alone and not both:
            return {}
        strategies = ("direct", "recursive") if both else (settings.strategy,)
        return {
            f"{strategy}-{seed}": (self, settings.one(strategy, seed))
            for strategy in strategies
            for seed in range(settings.seed, settings.seed + settings.ensemble)
        }

    def combined(
        self,
        members: Sequence["Trained[ForecastCodec]"],
        data: SeriesInParts,
        settings: Settings,
    ) -> ForecastCodec:
        """With intervals of the mean of their forecasts, from the rolling origins of a lone one."""
        from gruta.codec.series.intervals import rolling
        from gruta.tasks.forecast.ensemble import Ensemble
        from gruta.tasks.trained import joined

        codecs = tuple(member.codec for member in members)
        larger = float(np.mean([one.optimism for one in codecs]))
        codec = replace(codecs[0], growth=(), members=codecs, optimism=larger)
        table, horizon = codec.encoding.table(data.seen), codec.encoding.horizon
        split = Split.of(table, data.parts).with_more(horizon - table.horizon)
        origins, firsts = rolling(*split.ends, horizon)
        forecast = Ensemble([m.head for m in members]).changes(table, origins, horizon)
        target = table.changes(origins, np.arange(1, horizon + 1))
        if codec.learned is not None:  # there the members say too well what came
            seen = data.seen.times_at(origins) <= codec.learned
            median = forecast[seen][..., settings.quantiles.index(0.5)]
            target[seen] = median + larger * (target[seen] - median)
        found = codec.calibrated(origins, firsts, forecast, target, settings.quantiles)
        if not data.seen.parents:
            return found
        weights = joined(dict(zip(self.members(settings), members, strict=True)))
        return self._reconciled(found, weights, settings, data.seen, split)

    def head(self, trained: "Trained[ForecastCodec]") -> "ForecastHead | Ensemble":
        """The network on NumPy arrays; of an ensemble all."""
        from gruta.tasks.forecast.ensemble import Ensemble, members_of
        from gruta.tasks.forecast.head import ForecastHead

        if trained.codec.members:
            return Ensemble([member.head for member in members_of(trained).values()])
        codec, table = trained.codec, trained.codec.encoding.empty_table()
        return ForecastHead(trained.weights, table, trained.settings, codec.trust, codec.growth)

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
        return forecast(trained, series_for(trained, source), missing_known, horizon)

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

    codec: of a trained model, which says the columns, the step, and what an outlier is.
    """
    if isinstance(source, Series):
        return source
    from gruta.data.outliers import told
    from gruta.data.periods import Every
    from gruta.data.repair import Policies
    from gruta.data.series import read_series
    from gruta.data.wide import patterns

    s = settings
    step: Frequency | None = None
    untold = s.target == type(s).model_fields["target"].default
    wide = (("*",) if untold else patterns(s.target)) if s.wide else ()
    columns = Columns(s.time, s.target, s.known, s.past, s.series, s.static, wide, s.parent)
    words = None
    if codec is not None:
        columns, step = codec.encoding.columns, codec.encoding.frequency
        words = codec.encoding.words
    every = Every(s.every, s.aggregate, s.incomplete == "keep", step) if s.every else None
    of_rows = s.frequency if every or step is None else step
    policies = Policies(of_rows, s.zone, s.duplicates, s.gaps, s.longest_gap)
    found = read_series(
        source,
        columns,
        reading(s),
        policies,
        words,
        may_be_wide=s.wide is None and untold,
        every=every,
    )
    if codec is None:
        return told(found, Outliers.fit(found, Parts.of(found, s).train, s.outliers))
    outliers = codec.encoding.outliers
    return _beside_known(found if outliers is None else told(found, outliers), codec)


def _beside_known(series: Series, codec: ForecastCodec) -> Series:
    """The series; those that training did not see are told, as a column or a series that is called
    otherwise now is one, and then those that lack.
    """
    from gruta.data.wide import listed

    now, known = series.ids, codec.encoding.ids
    before, after = set(known), set(now)
    new = [name for name in now if name not in before]
    lacking = [name for name in known if name not in after]
    if not new or not series.columns.series:
        return series
    found = [Guess("series that training did not see", listed(new))]
    if lacking:
        found.append(Guess("series of the training that are not there", listed(lacking)))
    return replace(series, guesses=(*series.guesses, *found))


def last_learned(data: SeriesInParts, horizon: int) -> np.datetime64 | None:
    """The last stamp with a whole horizon in the training part."""
    train, series = data.parts.train, data.series
    rows = (series.starts[:-1] + train - horizon - 1)[train > horizon]
    return series.times_at(rows).max() if len(rows) else None


def _width(given: str, series: int) -> int:
    """Of the vectors of so many series."""
    if series == 1:
        return 0
    return int(given) if given != "auto" else min(MOST_AUTO, math.ceil(math.sqrt(series)))


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


def share_of_zeros(series: Series) -> float:
    """Of the values that are there."""
    there = series.target[~np.isnan(series.target)]
    return float((there == 0).mean()) if len(there) else 0.0


def series_for(trained: "Trained[ForecastCodec]", source: Any) -> Series:
    """Series that a trained model can read, by the rules of its training."""
    return as_series(source, trained.settings, trained.codec)


def forecast(
    trained: "Trained[ForecastCodec]",
    series: Series,
    missing_known: MissingKnown | None = None,
    horizon: int | None = None,
) -> "pl.DataFrame":
    """The series, the time by the data's own clock, the median and the quantiles of the horizon to
    come; ours have a suffix where the data's own are called so. missing_known, horizon: a policy
    and a number of steps in place of the run's; InputError where it does not reach so far.
    """
    import polars as pl

    from gruta.tasks.forecast.coming import with_rows_to_come
    from gruta.tasks.forecast.forecasts import unreconciled
    from gruta.tasks.forecast.reconcile import reconciled
    from gruta.tasks.forecast.records import as_told, own_names, quantile_name

    encoding, levels = trained.codec.encoding, trained.settings.quantiles
    steps = horizon or encoding.horizon
    if steps > encoding.horizon and trained.settings.strategy != "recursive":
        problem = _(
            "expected at most the {horizon} steps that training was for, got {given}; what is "
            "trained with the strategy recursive goes further"
        )
        raise InputError(horizon=problem.format(horizon=encoding.horizon, given=steps))
    policy = missing_known or trained.settings.missing_known
    series = with_rows_to_come(series, encoding, policy, steps)
    origins = series.ends - 1
    at = origins[:, None] + np.arange(1, steps + 1)
    if trained.codec.hierarchy is None:
        found = unreconciled(trained, series, origins, steps=steps)
    else:
        found = reconciled(trained, series, origins, steps=steps, needed=True).after
    found = found.reshape(-1, len(levels))
    names, columns = encoding.columns, list[pl.Series]()
    if names.series:
        ids = np.repeat(np.array(series.ids, object), steps)
        columns.append(pl.Series(names.series, ids.tolist(), pl.String))
    columns.append(as_told(names.time, series.times_at(at).ravel(), series))
    forecasts = {"forecast": found[:, levels.index(0.5)]}
    forecasts |= {quantile_name(q): found[:, i] for i, q in enumerate(levels)}
    own = own_names(forecasts, names)
    return pl.DataFrame([*columns, *(pl.Series(own[n], v) for n, v in forecasts.items())])


TASK = ForecastTask()
