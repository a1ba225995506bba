"""`Forecaster`: from a file or a frame to a trained model, in scikit-learn's manners."""

import copy
import re
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import narwhals as nw
import numpy as np
import polars as pl
import torch
from narwhals.typing import IntoDataFrame

from gruta.data.series import Columns, Series, read_series
from gruta.errors import InputError
from gruta.insight import XRay, xray
from gruta.nn import CELLS
from gruta.nn.draws import drawing
from gruta.runs import MODEL, Run
from gruta.settings import ForecastSettings, resolve
from gruta.stopwatch import Stopwatch
from gruta.surroundings import threads, undisturbed
from gruta.tasks.forecast.encoding import Encoding
from gruta.tasks.forecast.evaluation import Evaluation, evaluate, origins_from
from gruta.tasks.forecast.features import past_features, windows
from gruta.tasks.forecast.intervals import spread
from gruta.tasks.forecast.network import ForecastNetwork, pinball
from gruta.tasks.forecast.scores import seasonal_error
from gruta.tasks.forecast.split import Parts, Split
from gruta.tasks.forecast.task import ForecastTask, forecast_changes
from gruta.tasks.forecast.trained import CODEC, Trained
from gruta.train import Progress, train

TASK = "forecast"
_ZONE = re.compile(r"[T ].*(Z|[+-]\d\d(:?\d\d)?)\s*$")
DID_NOT_HELP = ("short_memory", "memoryless_units", "vanishing")
"""Rules of the advice that say to use gates, or to start with gates that keep. On real series that
raised a forecaster's error more often than it lowered it: `gruta study remedies`.
"""

Source = str | Path | IntoDataFrame | Series


class Forecaster:
    """Forecasts a series by a recurrent network beside a linear path.

    Settings are keyword arguments, those of `gruta.settings.ForecastSettings`:

    >>> forecaster = Forecaster(horizon=48, known=("workday",)).fit("demand.csv")
    >>> forecaster.predict("demand.csv")

    After `fit` or `load`, `trained_` holds what was learned (network, scales, seasons). After
    `fit`, `train_seconds_` and, of these, `linear_seconds_` for the linear path are known, and
    `stopwatch_` tells where the time of the loop went. `layers` may have other classes than
    gruta's, by cell, for `fit` to build the network of.
    """

    layers: Mapping[str, type[Any]] = CELLS
    trained_: Trained
    stopwatch_: Stopwatch
    linear_seconds_: float
    train_seconds_: float

    def __init__(self, **settings: Any) -> None:
        self.settings = resolve(ForecastSettings, settings)
        self._given = settings

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The settings by name; `deep` is there for scikit-learn and changes nothing."""
        return self.settings.model_dump() | self._given

    def set_params(self, **settings: Any) -> Self:
        """Change settings; what was learned stays until the next `fit`."""
        given = self._given | settings
        self.settings, self._given = resolve(ForecastSettings, given), given
        return self

    @undisturbed()
    def fit(
        self,
        data: Source,
        *,
        run: str | Path | None = None,
        resume: bool = False,
        progress: Progress | None = None,
    ) -> Self:
        """Train on the rows of `data` that have a target, but for the test share at their end.

        run: a directory to keep the run in; with `resume`, one that holds a run of the same
        settings and data, which goes on where it stopped. InputError on data that does not fit.
        """
        s = self.settings
        series = _series(data, Columns(s.time, s.target, s.known, s.past))
        parts = Parts.of(series.observed, self.settings)
        series = series.rows(0, parts.seen)
        encoding = Encoding.fit(series, parts.train, self.settings)
        table = encoding.table(series)
        split = Split.of(table, parts)
        with tempfile.TemporaryDirectory() as scratch, threads(self.settings.threads):
            with drawing(self.settings.seed):
                network = ForecastNetwork.of(table, self.settings, self.layers)
            task = ForecastTask(network, table, split, self.settings)
            opened = self._open_run(Path(run or Path(scratch, "run")), series, resume)
            start = time.perf_counter()
            network.prepare(table, task.past, split, self.settings.ridge)
            self.linear_seconds_ = time.perf_counter() - start
            self.stopwatch_ = train(task, self.settings, opened, progress)
            self.train_seconds_ = self.linear_seconds_ + self.stopwatch_.total
            season = encoding.seasons[0] if encoding.seasons else 1
            self.trained_ = Trained(
                network.cpu().eval(),
                encoding,
                self.settings.quantiles,
                self._spread(task),
                seasonal_error(series.target[: parts.train], season),
                series.times[-1],
            )
            self.trained_.save_codec(opened)
            self._files = _contents(opened)
        return self

    @undisturbed()
    def predict(self, data: Source) -> Any:
        """Quantiles for the horizon after the last row of `data` that has a target.

        `data` holds the history and, where there are known covariates, a row below it for each
        step to come with their values and an empty target. A frame like `data` comes back, polars
        for a file: the time column, `forecast` (the median), and a column a quantile, q10, ….
        """
        trained = self._fitted()
        encoding = trained.encoding
        series = _series(data, encoding.columns)
        origin = series.observed - 1
        if origin + 1 < encoding.history:
            raise InputError(
                f"{series.source}: {origin + 1} rows with a target, but a forecast needs the last "
                f"{encoding.history}; give a longer history"
            )
        series = _with_rows_to_come(series, encoding.horizon)
        quantiles, levels = trained.quantiles(series, torch.tensor([origin]))[0], trained.levels
        columns: dict[str, Any] = {
            encoding.columns.time: series.times[origin + 1 : origin + 1 + encoding.horizon],
            "forecast": quantiles[:, levels.index(0.5)],
        }
        columns |= {f"q{100 * q:g}": quantiles[:, i] for i, q in enumerate(levels)}
        if isinstance(data, str | Path | Series):
            return pl.DataFrame(columns)
        backend = nw.from_native(data, eager_only=True).implementation
        return nw.from_dict(columns, backend=backend).to_native()

    @undisturbed()
    def evaluate(
        self, data: Source, *, start: str | np.datetime64 | None = None, stride: int = 1
    ) -> Evaluation:
        """Forecasts and scores from every `stride`-th row, with the simple baselines.

        start: the first stamp to forecast; by default the first that training did not see.
        """
        trained = self._fitted()
        series = _series(data, trained.encoding.columns)
        if start is None:
            first = trained.encoding.frequency.after(trained.until, 1)[0]
        else:
            first = _stamp(start)
        return evaluate(trained, series, origins_from(series, trained.encoding, first, stride))

    @undisturbed()
    def xray(self, data: Source, *, at: str | np.datetime64 | None = None) -> XRay:
        """A look inside the network while it reads one window of `data` and forecasts.

        at: the first stamp to forecast; by default the last whose horizon is there to compare with.
        The gradient is that of the training's loss. Advice that did not help forecasters of real
        series is not told. InputError where there is no such window.
        """
        trained = self._fitted()
        series = _series(data, trained.encoding.columns)
        encoding, table = trained.encoding, trained.encoding.table(series)
        newest = series.observed - encoding.horizon
        first = series.times[newest] if at is None and newest > 0 else at
        if first is None:
            raise InputError(
                f"{series.source}: {series.observed} rows with a target, too few for a forecast of "
                f"{encoding.horizon} steps; give a longer history"
            )
        origin = origins_from(series, encoding, _stamp(first), len(series))[:1]
        newest_of_all = torch.tensor([[table.lookback - 1]])
        batch = windows(table, past_features(table), origin, newest_of_all, table.lookback)
        unit = trained.network.linear.error.mean()

        def loss(result: tuple[torch.Tensor, Any]) -> torch.Tensor:
            return pinball(result[0] / unit, batch["target"] / unit, self.settings.quantiles)

        after = int(origin[0]) + 1
        found = xray(
            copy.deepcopy(trained.network),  # others may forecast with it meanwhile
            batch,
            None,
            loss=loss,
            labels={
                "encoder": series.times[after - table.lookback : after],
                "decoder": series.times[after : after + table.horizon],
            },
            columns=trained.columns(),
        )
        return replace(found, training={"leave_out": DID_NOT_HELP})

    def save(self, path: str | Path) -> None:
        """Write what `load` needs into a new directory."""
        self._fitted()
        run = Run.create(Path(path), TASK, self.settings.model_dump(), "")
        for name, content in self._files.items():
            run.write(name, content)

    @classmethod
    @undisturbed()
    def load(cls, path: str | Path) -> Self:
        """The forecaster that a finished run, or `save`, left in a directory."""
        run = Run.open(Path(path), TASK)
        forecaster = cls(**settings_of(run).model_dump())
        forecaster.trained_ = Trained.load(run, forecaster.settings)
        forecaster._files = _contents(run)
        return forecaster

    def _fitted(self) -> Trained:
        if not hasattr(self, "trained_"):
            raise InputError("Forecaster: nothing is learned yet; call fit, or load a run")
        return self.trained_

    def _open_run(self, directory: Path, series: Series, resume: bool) -> Run:
        fingerprint = series.fingerprint()
        if not resume:
            chosen = self.settings.model_dump()
            return Run.create(directory, TASK, chosen, fingerprint, torch.get_num_threads())
        run = Run.open(directory, TASK)
        earlier = settings_of(run)
        changed = [k for k, v in self.settings if v != getattr(earlier, k)]
        if changed:
            raise InputError(
                f"{directory}: the run was started with another {', '.join(changed)}; resume with "
                "the same settings, or train in another directory"
            )
        if run.about.get("data") != fingerprint:
            raise InputError(
                f"{series.source}: not the data that {directory} was started with; resume with the "
                "same rows and columns, or train in another directory"
            )
        return run

    def _spread(self, task: ForecastTask) -> torch.Tensor:
        origins = task.split.validation
        forecast = forecast_changes(task.model, task.table, task.past, origins)
        return spread(forecast, task.table.changes(origins), self.settings.quantiles)


def settings_of(run: Run) -> ForecastSettings:
    """The settings that a run was started with; InputError if its settings.toml is broken."""
    given = run.settings()
    try:
        return resolve(ForecastSettings, given)
    except InputError as error:
        raise InputError(
            f"{run.path}/settings.toml: {error}; restore the file or train again"
        ) from None


def _series(data: Source, columns: Columns) -> Series:
    return data if isinstance(data, Series) else read_series(data, columns)


def _contents(run: Run) -> dict[str, bytes]:
    """The files that a forecaster can be loaded from."""
    return {name: run.read(name) for name in ("run.json", "settings.toml", CODEC, MODEL)}


def _with_rows_to_come(series: Series, horizon: int) -> Series:
    """`series` with at least `horizon` rows after the last one that has a target."""
    missing = series.observed + horizon - len(series)
    if missing <= 0:
        return series
    if series.columns.known:
        raise InputError(
            f"{series.source}: expected {horizon} rows after the last one with a target, with the "
            f"values of {', '.join(series.columns.known)} and an empty target; found "
            f"{horizon - missing}"
        )
    return replace(
        series,
        times=np.append(series.times, series.frequency.after(series.times[-1], missing)),
        target=np.append(series.target, np.full(missing, np.nan)),
        known=np.zeros((len(series) + missing, 0)),
        past=np.concatenate([series.past, np.full((missing, series.past.shape[1]), np.nan)]),
    )


def _stamp(start: str | np.datetime64) -> np.datetime64:
    try:
        # NumPy would take a zone with a warning; filters of warnings are the whole process's.
        if not _ZONE.search(str(start)):
            stamp = np.datetime64(str(start), "us")
            if not np.isnat(stamp):
                return stamp
    except ValueError:
        pass
    raise InputError(
        f"start: expected a stamp such as 2024-03-31 or 2024-03-31T13:30, without a zone (UTC "
        f"where the data has one), got {str(start)!r}"
    )
