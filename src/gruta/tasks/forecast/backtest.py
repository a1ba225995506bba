"""Rolling origins over the end of series: cut after cut, each forecast by what knows nothing of it.

Either a network is trained for each cut on all that lies before it, or one that is trained already
forecasts them all.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from gruta.arithmetic import as_usual
from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.frequency import show
from gruta.codec.series.series import Rows, Series
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runs import METRICS, MODEL, Run, read_metrics
from gruta.tasks.forecast.by_level import hierarchy_json
from gruta.tasks.forecast.evaluation import (
    Evaluation,
    Values,
    evaluate,
    first_stamp,
    origins_from,
    scores_of,
)
from gruta.tasks.forecast.reconcile import Reconciled
from gruta.tasks.forecast.records import own_names
from gruta.tasks.forecast.scores import Difference
from gruta.tasks.forecast.settings import ForecastSettings
from gruta.tasks.forecast.split import Parts, steps_before
from gruta.tasks.forecast.task import TASK
from gruta.tasks.scores import Scores
from gruta.tasks.trained import CODEC, Trained

if TYPE_CHECKING:
    from gruta.train import Progress

OpenProgress = Callable[[str, int], AbstractContextManager["Progress"]]
"""From a title and a number of steps to where a person sees a training go."""

WINDOWS = 3


@dataclass(frozen=True, eq=False)
class Cut:
    """What follows a stamp, forecast. metrics: of the training, where there was one for it."""

    stamp: np.datetime64
    found: Evaluation
    metrics: Sequence[Mapping[str, Any]] = ()

    @property
    def begins(self) -> str:
        """The stamp for people, or the row's number."""
        numbered = self.found.series.frequency.numbered
        return show(self.stamp.astype(np.int64) if numbered else self.stamp)


@dataclass(frozen=True, eq=False)
class Backtest:
    """Cuts in the order of time, and the forecasts of all of them together.

    refit: whether each has a network of its own.
    """

    cuts: Sequence[Cut]
    pooled: Evaluation
    refit: bool

    @property
    def scores(self) -> list[Scores]:
        """Of all cuts together."""
        return self.pooled.scores

    @property
    def lost_to(self) -> list[str]:
        """The baselines that are better over all cuts, be it by chance."""
        return self.pooled.lost_to

    @property
    def notes(self) -> Sequence[str]:
        """What is to be known beside."""
        return self.pooled.notes

    @property
    def differences(self) -> dict[str, Difference]:
        """As an evaluation has them, of all cuts together."""
        return self.pooled.differences

    @property
    def renamed(self) -> Mapping[str, str]:
        """Columns of `frame` that are called otherwise, and how."""
        own = own_names(["cut"], self.pooled.series.columns)
        return {n: o for n, o in own.items() if n != o} | dict(self.pooled.renamed)

    def frame(self) -> pl.DataFrame:
        """As an evaluation's, with the number of the cut before all."""
        name = own_names(["cut"], self.pooled.series.columns)["cut"]
        frames = [
            cut.found.frame().select(pl.lit(number).alias(name), pl.all())
            for number, cut in enumerate(self.cuts, 1)
        ]
        return pl.concat(frames, how="diagonal")

    def to_json(self) -> dict[str, Any]:
        """For a program."""
        cuts = [{"from": cut.begins} | _told(cut.found) for cut in self.cuts]
        return {"refit": self.refit, "cuts": cuts} | _told(self.pooled)


def backtest(
    trained: Trained[ForecastCodec],
    series: Series,
    *,
    windows: int = WINDOWS,
    stride: int | None = None,
    statistical: bool = False,
    carry: bool = False,
) -> Backtest:
    """One network over what its training did not see of `series`.

    stride: rows from one forecast to the next, by default the horizon. carry: let the network read
    all of the series up to an origin, as it did in training with `tbptt`, and not a window.
    """
    if carry and not trained.settings.tbptt:
        raise InputError(
            carry=_(
                "expected a network that was trained with tbptt; this one has learned from "
                "windows, each read anew"
            )
        )
    unseen = steps_before(series, first_stamp(trained.codec, None))
    stamps = _stamps(series, unseen, windows, trained.codec.encoding.horizon, needed=True)
    how: dict[str, Any] = {"stride": stride, "statistical": statistical, "carry": carry}
    ends = [*stamps[1:], None]
    cuts = [
        Cut(stamp, _scored(trained, series, stamp, end, **how))
        for stamp, end in zip(stamps, ends, strict=True)
    ]
    return Backtest(cuts, _pooled(cuts, trained.settings), refit=False)


def backtest_anew(
    settings: ForecastSettings,
    series: Series,
    directory: Path,
    progress: OpenProgress,
    *,
    windows: int = WINDOWS,
    stride: int | None = None,
    statistical: bool = False,
    carry: bool = False,
) -> Backtest:
    """A network for each cut, trained on what lies before it, as a run in `directory`.

    The cuts divide what the settings hold out for the test. Runs that are there and finished are
    taken as they are, others go on. Errors as training has them.
    """
    if settings.validation_from:
        raise InputError(
            validation_from=_("a backtest validates before each cut; give validation_share")
        )
    if carry and not settings.tbptt:
        raise InputError(
            carry=_("expected tbptt to be set too, so that training carries the state")
        )
    how: dict[str, Any] = {"stride": stride, "statistical": statistical, "carry": carry}
    cuts = []
    for i, (stamp, end) in enumerate(cuts_of(series, settings, windows), 1):
        place = directory / f"cut-{i}"
        own = settings.model_copy(update={"test_from": str(stamp)})
        trained = _finished(own, series, place)
        if trained is None:
            from gruta.tasks.fitting import fit

            title = _("cut {number} of {count}").format(number=i, count=windows)
            with progress(title, settings.steps) as shown:
                resume = (place / "run.json").is_file()
                name = series.source
                fitted = fit(TASK, series, own, place, resume=resume, progress=shown, name=name)
            trained = fitted.trained
        found = _scored(trained, series, stamp, end, **how)
        cuts.append(Cut(stamp, found, read_metrics(place / METRICS)))
    return Backtest(cuts, _pooled(cuts, settings), refit=True)


def cuts_of(
    series: Series, settings: ForecastSettings, windows: int
) -> list[tuple[np.datetime64, np.datetime64 | None]]:
    """The stamps at which cuts begin and end, by the clock: they divide what the settings hold out.

    InputError where that leaves no rows before the first.
    """
    seen = Parts.of(series, settings).seen
    stamps = _stamps(series, seen, windows, settings.horizon)
    return list(zip(stamps, [*stamps[1:], None], strict=True))


def _stamps(
    series: Series, unseen: Rows, windows: int, horizon: int, *, needed: bool = False
) -> list[np.datetime64]:
    """Where the cuts lie, by the clock: they divide the end of the longest of the newest series.

    unseen: `[S]` the row of each where that end begins; earlier ones are taken where the cuts have
    less than a horizon each, unless it is `needed`.
    """
    if windows < 1:
        raise InputError(windows=_("expected at least 1, got {number}").format(number=windows))
    observed = series.ends - series.starts[:-1]
    newest = series.times_at(np.maximum(series.ends - 1, series.starts[:-1]))
    lead = max(range(series.count), key=lambda i: (newest[i], observed[i]))
    rows, begin = int(observed[lead]), int(unseen[lead])
    span = max((rows - begin) // windows, horizon)
    first = rows - span * windows
    if first < begin and needed:
        raise InputError(
            windows=_(
                "expected so few that each has a horizon of {horizon} rows that training did not "
                "see; {source} has {rows} such rows, got {windows}"
            ).format(
                horizon=horizon,
                source=series.source,
                rows=max(0, rows - begin),
                windows=windows,
            )
        )
    if first < 1:
        raise InputError(
            windows=_(
                "expected so few that there are rows before the first; {windows} of {span} rows "
                "are all of the {rows} in {source}"
            ).format(windows=windows, span=span, rows=rows, source=series.source)
        )
    places = series.starts[lead] + np.arange(first, rows, span)
    return list(series.frequency.local(series.times_at(places)))


def _finished(
    settings: ForecastSettings, series: Series, place: Path
) -> Trained[ForecastCodec] | None:
    """The cut that was trained before, with these settings on these rows; None if there is none."""
    if not ((place / MODEL).is_file() and (place / CODEC).is_file()):
        return None
    data = TASK.read(series, settings)
    Run.begin(place, TASK.name, settings, data.fingerprint(), resume=True)
    return Trained.load(place, TASK)


@as_usual()
def _scored(
    trained: Trained[ForecastCodec],
    series: Series,
    stamp: np.datetime64,
    end: np.datetime64 | None,
    *,
    stride: int | None,
    statistical: bool,
    carry: bool,
) -> Evaluation:
    """What begins at `stamp` or later, and before `end`, forecast and scored."""
    encoding = trained.codec.encoding
    step = encoding.horizon if stride is None else stride
    origins = origins_from(series, encoding, stamp, step)
    if end is not None:
        limits = series.starts[:-1] + steps_before(series, end)
        origins = origins[origins + 1 < limits[series.of(origins)]]
    return evaluate(trained, series, origins, statistical=statistical, carry=carry)


def _pooled(cuts: Sequence[Cut], settings: ForecastSettings) -> Evaluation:
    """The forecasts of all cuts, by series and time, scored together.

    A baseline that one of the cuts lacks is left out.
    """
    founds = [cut.found for cut in cuts]
    origins = np.concatenate([found.origins for found in founds])
    order = np.argsort(origins, kind="stable")

    def joined(parts: Sequence[Any]) -> Any:
        return np.concatenate(parts)[order]

    last = founds[-1]
    truth = joined([found.truth for found in founds])
    values = joined([found.quantiles for found in founds])
    shared = [n for n in last.baselines if all(n in found.baselines for found in founds)]
    simple: dict[str, Values] = {n: joined([f.baselines[n] for f in founds]) for n in shared}
    spread: dict[str, Values] = {}
    if all(f.baseline_quantiles for f in founds):
        spread = {n: joined([f.baseline_quantiles[n] for f in founds]) for n in shared}
    names = [settings.cell, *shared]
    medians = {settings.cell: values[..., last.levels.index(0.5)]} | simple
    scaled = {name: _mean_mase(founds, name) for name in names}
    sizes = {score.model: score.parameters for score in last.scores}
    every = {name for found in founds for name in found.baselines}
    notes = list(dict.fromkeys(note for found in founds for note in found.notes))
    if left := sorted(every - set(shared)):
        text = _("Not in every cut, and so not in the scores of all: {models}.")
        notes.append(text.format(models=", ".join(left)))
    return replace(
        last,
        origins=origins[order],
        times=joined([found.times for found in founds]),
        truth=truth,
        quantiles=values,
        baselines=simple,
        scores=scores_of(
            truth, {settings.cell: values} | spread, last.levels, medians, scaled, sizes
        ),
        notes=notes,
        members=(),
        baseline_quantiles=spread,
        reconciled=_joined(founds, order),
    )


def _joined(founds: Sequence[Evaluation], order: Rows) -> Reconciled | None:
    """Of a hierarchy, the forecasts of all cuts before and after."""
    parts = [found.reconciled for found in founds if found.reconciled is not None]
    if len(parts) < len(founds):
        return None
    return Reconciled(
        np.concatenate([part.after for part in parts])[order],
        np.concatenate([part.before for part in parts])[order],
        np.concatenate([part.whole for part in parts])[order],
    )


def _mean_mase(founds: Sequence[Evaluation], model: str) -> float | None:
    """Over the values of all, each in the unit of its own cut."""
    scores = [next(s for s in found.scores if s.model == model) for found in founds]
    if any(s.mase is None for s in scores):
        return None
    counts = [int((~np.isnan(found.truth)).sum()) for found in founds]
    return float(np.average([s.mase for s in scores], weights=counts))


def _told(found: Evaluation) -> dict[str, Any]:
    return {
        "forecasts": len(found.origins),
        "scores": [s.to_json() for s in found.scores],
        "lost_to": found.lost_to,
        "differences": {name: d.to_json() for name, d in found.differences.items()},
    } | hierarchy_json(found)
