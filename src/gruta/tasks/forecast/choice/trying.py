"""Candidates fitted and scored, one after the other, as long as there is time."""

import math
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.encoding import MOST_LOOKBACK, Encoding
from gruta.codec.series.intervals import rolling
from gruta.codec.series.series import Rows, Series
from gruta.errors import InputError
from gruta.runs import CHOICE, Run
from gruta.runs.lock import training_alone
from gruta.tasks.forecast.baselines import linear
from gruta.tasks.forecast.choice.cuts import Cut, Cuts
from gruta.tasks.forecast.choice.report import told, why
from gruta.tasks.forecast.choice.trial import Candidate, Choice, Plan, Trial
from gruta.tasks.forecast.forecasts import quantiles
from gruta.tasks.forecast.linear import solve
from gruta.tasks.forecast.scores import Values
from gruta.tasks.forecast.settings import ForecastSettings, Transform
from gruta.tasks.forecast.split import Parts, Split
from gruta.train import Diverged, Progress

if TYPE_CHECKING:
    from gruta.tasks.forecast.source import SeriesInParts
    from gruta.tasks.forecast.task import ForecastTask


def choose(
    task: "ForecastTask",
    data: "SeriesInParts",
    settings: ForecastSettings,
    run: Run,
    progress: Progress,
) -> ForecastSettings:
    """The settings with those closed that were left open; what was tried is kept in the run.

    What an earlier attempt has tried there is not tried again.
    """
    plan = planned(data, settings, task.fit_codec(data, settings).encoding)
    with training_alone(run):
        choice = _tried(task, data, settings, plan, run, progress)
        best = choice.found.candidate if choice.found else plan.start
        chosen = {name: value for name, value in asdict(best).items() if name in _open(settings)}
        chosen |= {"auto": 0.0} if settings.auto else {}
        run.write_json(CHOICE, choice.to_json() | {"chosen": chosen})
    progress.note(why(choice.to_json() | {"chosen": chosen}))
    return settings.model_copy(update=chosen)


def _open(settings: ForecastSettings) -> set[str]:
    """The names of the settings that are left open: with a budget, all that are as by default."""
    found = {"transform"} if settings.transform == "auto" else set()
    if settings.auto:
        fields = type(settings).model_fields
        own = ("transform", "lookback", "hidden")
        found |= {name for name in own if getattr(settings, name) == fields[name].default}
    return found


def planned(data: "SeriesInParts", settings: ForecastSettings, encoding: Encoding) -> Plan:
    """What is to be tried beside the settings as they are, whose encoding this is."""
    transform = "none" if settings.transform == "auto" else settings.transform
    start, found = Candidate(transform, encoding.lookback, settings.hidden), _open(settings)
    names = [name for name in get_args(Transform) if name not in ("auto", transform)]
    if (data.series.target <= 0).any():
        names = [name for name in names if not {"log", "boxcox"} & set(name.split("+"))]
    if settings.strategy != "direct":
        names = [name for name in names if not {"difference", "seasonal"} & set(name.split("+"))]
    if not encoding.seasons:
        names = [name for name in names if "seasonal" not in name.split("+")]
    lookbacks = [n for n in (start.lookback // 2, 2 * start.lookback) if 1 <= n <= MOST_LOOKBACK]
    return Plan(
        start,
        names if "transform" in found else (),
        lookbacks if "lookback" in found else (),
        (max(1, start.hidden // 2), 2 * start.hidden) if "hidden" in found else (),
        networks=settings.auto > 0,
    )


def _tried(
    task: "ForecastTask",
    data: "SeriesInParts",
    settings: ForecastSettings,
    plan: Plan,
    run: Run,
    progress: Progress,
) -> Choice:
    """All that there is time for."""
    try:
        cuts = Cuts.of(data.seen, settings)
    except InputError:
        return Choice(settings.auto, 1, over=True)
    choice = Choice(settings.auto, cuts.overlap)
    if run.has(CHOICE):
        choice = Choice.from_json(run.read_json(CHOICE))
    while not choice.over:
        upcoming, left = plan.upcoming(choice), _left(choice)
        if upcoming is None or left <= _least(choice, network=upcoming[1]):
            choice = replace(choice, over=True, cut_short=upcoming is not None)
            break
        candidate, network = upcoming
        began = time.perf_counter()
        try:
            if network:
                clock = _Clock(progress, began + left)
                missed = _by_networks(task, cuts, candidate, run.path, clock)
            else:
                missed = _scored(cuts, candidate, lambda cut, own: _by_line(task, cuts, cut, own))
        except _OutOfTime:
            choice = replace(choice, over=True, cut_short=True)
            break
        trial = Trial(candidate, network, missed, time.perf_counter() - began)
        choice = replace(choice, trials=(*choice.trials, trial))
        run.write_json(CHOICE, choice.to_json())
        progress.note(told(trial))
    for place in run.path.glob(_PLACE.format("*")):
        shutil.rmtree(place)
    return choice


def _left(choice: Choice) -> float:
    return choice.budget - choice.seconds if choice.budget else math.inf


def _least(choice: Choice, *, network: bool) -> float:
    """What a trial takes at least, as far as that is known."""
    return min((trial.seconds for trial in choice.of(network=network)), default=0.0)


Forecast = Callable[[Cut, ForecastSettings], Values]


def _scored(cuts: Cuts, candidate: Candidate, forecast: Forecast) -> Values:
    """`[M]`: the errors after the origins of all cuts; all NaN where it cannot be fitted."""
    found = []
    try:
        for cut in cuts.every:
            own = cut.settings.model_copy(update=asdict(candidate))
            found.append(cuts.missed(cut, forecast(cut, own)))
    except (InputError, Diverged):
        found = [np.full(len(cut.origins), np.nan) for cut in cuts.every]
    return np.concatenate(found)


def _by_line(task: "ForecastTask", cuts: Cuts, cut: Cut, own: ForecastSettings) -> Values:
    """`[M, K, Q]`: the linear path, and about it the quantiles of how far it was off before."""
    from gruta.tasks.forecast.source import SeriesInParts

    data = SeriesInParts(cuts.series, Parts.of(cuts.series, own))
    codec = task.fit_codec(data, own)
    table = codec.encoding.table(cuts.series)
    split = Split.of(table, data.parts)
    model = solve(table, split, own.ridge)
    before, _firsts = rolling(*split.ends, table.horizon)
    off = table.base(before) + table.changes(before) - linear(table, before, model)
    around = np.nanquantile(off, own.quantiles, axis=0).T  # [K, Q]
    around -= around[:, own.quantiles.index(0.5)][:, None]

    def forecast(origins: Rows) -> Values:
        values = linear(table, origins, model)[..., None] + around
        return codec.decode(values, cuts.series, origins)

    return _where_known(codec, cuts.series, cut.origins, len(own.quantiles), forecast)


_PLACE = ".trial-{}"
"""Of the run of a cut: hidden, as it is none that a person has asked for."""


def _by_networks(
    task: "ForecastTask", cuts: Cuts, candidate: Candidate, place: Path, progress: Progress
) -> Values:
    """`[M]`: the errors of a network for each cut; one that was cut off goes on."""
    from gruta.tasks.fitting import fit

    def forecast(cut: Cut, own: ForecastSettings) -> Values:
        name = "-".join(map(str, [*asdict(candidate).values(), cuts.every.index(cut) + 1]))
        directory = place / _PLACE.format(name)
        begun = (directory / "run.json").is_file()
        trained = fit(task, cuts.series, own, directory, resume=begun, progress=progress).trained
        levels = len(own.quantiles)
        return _where_known(
            trained.codec,
            cuts.series,
            cut.origins,
            levels,
            lambda origins: quantiles(trained, cuts.series, origins),
        )

    return _scored(cuts, candidate, forecast)


def _where_known(
    codec: ForecastCodec,
    series: Series,
    origins: Rows,
    levels: int,
    forecast: Callable[[Rows], Values],
) -> Values:
    """`[M, K, Q]`: forecasts from the origins that have the history that they need, else NaN."""
    before = origins + 1 - series.starts[series.of(origins)]
    known = before >= codec.encoding.history
    found = np.full((len(origins), codec.encoding.horizon, levels), np.nan)
    if known.any():
        found[known] = forecast(origins[known])
    return found


class _OutOfTime(Exception):
    """The budget has ended within a training."""


class _Clock(Progress):
    """Shows the steps of a training, and ends it when its time is over."""

    def __init__(self, shown: Progress, ends: float) -> None:
        self._shown, self._ends = shown, ends

    def step(self, record: Mapping[str, Any]) -> None:
        """Show it, if there is still time."""
        if time.perf_counter() > self._ends:
            raise _OutOfTime
        self._shown.step(record)
