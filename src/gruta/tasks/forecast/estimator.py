"""`Forecaster`: from a file or a frame to a trained model, in scikit-learn's manners."""

from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from narwhals.typing import IntoDataFrame

from gruta.arithmetic import as_usual
from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.series import Series
from gruta.data.frames import like
from gruta.settings import least
from gruta.tasks.estimator import Estimator
from gruta.tasks.forecast.answers import forecast
from gruta.tasks.forecast.settings import MissingKnown
from gruta.tasks.forecast.source import as_series, series_for
from gruta.tasks.forecast.task import TASK
from gruta.tasks.task import Report

if TYPE_CHECKING:
    from gruta.insight import XRay
    from gruta.tasks.forecast.backtest import Backtest
    from gruta.tasks.forecast.evaluation import Evaluation
    from gruta.tasks.forecast.explain import Explanation
    from gruta.tasks.forecast.update import Updated
    from gruta.train import Progress

Source = str | Path | IntoDataFrame | Series


class Forecaster(Estimator[ForecastCodec]):
    """Forecasts a series by a recurrent network beside a linear path.

    Settings are keyword arguments, those of `gruta.tasks.forecast.settings.ForecastSettings`:

    >>> forecaster = Forecaster(horizon=48, known=("workday",)).fit("demand.csv")
    >>> forecaster.predict("demand.csv")

    After `fit` or `load`, `trained_` holds what was learned (weights, scales, seasons). After
    `fit`, `stopwatch_` tells where the time of the loop went. What is forecast and scored needs no
    PyTorch.
    """

    task = TASK
    update_: "Updated"

    @property
    def train_seconds_(self) -> float:
        """How long training took, also if it was stopped and went on."""
        return self.stopwatch_.total

    @property
    def linear_seconds_(self) -> float:
        """How much of that went into the linear path."""
        solved = (r for r in self.metrics_ if r["step"] == 0 and "seconds" in r)
        return sum(float(r["seconds"]) for r in solved)

    @as_usual()
    def predict(
        self,
        data: Source,
        *,
        missing_known: MissingKnown | None = None,
        horizon: int | None = None,
    ) -> Any:
        """Quantiles for the horizon after the last row of `data` that has a target.

        `data` holds the history and, where there are known covariates, a row below it for each
        step to come with their values and an empty target; `missing_known` says how to go on where
        some lack, in place of the setting. `horizon` may be shorter than in training and, with the
        strategy recursive, longer. A frame like `data` comes back, polars for a file: the time,
        `forecast` (the median), and a column a quantile, q10, …. The time is a column, or pandas'
        index where it is in `data`.
        """
        trained = self._fitted()
        found = forecast(trained, series_for(trained, data), missing_known, horizon)
        if isinstance(data, str | Path | Series):
            return found
        return like(data, found, trained.settings.time)

    @as_usual()
    def evaluate(
        self,
        data: Source,
        *,
        start: str | np.datetime64 | None = None,
        stride: int = 1,
        statistical: bool = False,
    ) -> "Evaluation":
        """Forecasts and scores from every `stride`-th row, with the simple baselines.

        start: the first stamp to forecast; by default the first that training did not see.
        statistical: also beside statsforecast's AutoETS, AutoARIMA and MSTL, of as many of the
        forecasts as these manage in a minute (the package comes with gruta[stats]).
        """
        return TASK.evaluate(
            self._fitted(), data, start=start, stride=stride, statistical=statistical
        )

    @as_usual()
    def explain(
        self,
        data: Source,
        *,
        at: str | np.datetime64 | None = None,
        series: str | None = None,
        missing_known: MissingKnown | None = None,
    ) -> "Explanation":
        """What each input added to a forecast, and how far back the past counts.

        at: the first stamp to forecast; by default the one after the last with a target. series:
        which one, in data of several. missing_known: as for `predict`.
        `explanation.change_from(earlier)` tells what changed since another forecast of the same
        stamps. InputError where there is no such forecast.
        """
        from gruta.tasks.forecast.explain import explain

        trained = self._fitted()
        return explain(trained, series_for(trained, data), at, series, missing_known=missing_known)

    def backtest(
        self,
        data: Source,
        *,
        windows: int = 3,
        stride: int | None = None,
        refit: bool = False,
        statistical: bool = False,
        carry: bool = False,
        run: str | Path | None = None,
        progress: "Progress | None" = None,
    ) -> "Backtest":
        """Forecasts and scores of several cuts at the end of `data`, each and together.

        refit: a network of these settings is trained for each cut on what lies before it, as runs
        in the directory `run` if one is given, where finished ones are taken as they are; the cuts
        divide the share that is held out for the test. Else what was learned forecasts all that its
        training did not see. stride: rows from one forecast to the next, by default the horizon.
        carry: with `tbptt`, the state at an origin is carried along the whole series.
        """
        from gruta.tasks.forecast.backtest import backtest, backtest_anew

        how: dict[str, Any] = {
            "windows": windows, "stride": stride, "statistical": statistical, "carry": carry
        }  # fmt: skip
        if not refit:
            trained = self._fitted()
            return backtest(trained, series_for(trained, data), **how)
        series = as_series(data, self.settings)
        with TemporaryDirectory() as scratch:
            place = Path(run or Path(scratch, "backtest"))
            return backtest_anew(
                self.settings, series, place, lambda *_: nullcontext(progress), **how
            )

    def update(
        self,
        data: Source,
        *,
        steps: int | None = None,
        learning_rate: float | None = None,
        test_share: float | None = None,
        linear: Literal["auto", "kept", "anew"] = "auto",
        run: str | Path | None = None,
        progress: "Progress | None" = None,
    ) -> "Forecaster":
        """Another forecaster, which has learned on from these weights with the rows of `data` that
        came since; its `update_` tells what had changed. This one stays as it is.

        Scales and seasons are kept. steps, learning_rate: by default a quarter of the settings'.
        test_share: what is held out to compare before and after. linear: whether the linear path is
        kept or solved anew; by default what forecasts the validation part better. run: a new
        directory to keep the run in. InputError where no rows came.
        """
        from gruta.tasks.forecast.update import update

        before = self._fitted()
        with TemporaryDirectory() as scratch:
            found = update(
                before,
                series_for(before, data),
                Path(run or Path(scratch, "run")),
                steps=steps,
                learning_rate=learning_rate,
                test_share=test_share,
                linear=linear,
                progress=progress,
                name=str(data) if isinstance(data, str | Path) else None,
            )
        settings = least(TASK.settings, found.trained.settings.model_dump())
        forecaster = Forecaster(**settings)
        forecaster.trained_, forecaster.update_ = found.trained, found
        forecaster.stopwatch_, forecaster.metrics_ = found.fitted.stopwatch, found.fitted.metrics
        return forecaster

    def report(self, found: "Evaluation | Backtest | Explanation | Updated") -> Report:
        """The page of what `evaluate`, `backtest` or `explain` found, or of an `update_`:
        `report.save("page.html")`, `report.plot()["forecast"]`.
        """
        from gruta.tasks.forecast.backtest import Backtest
        from gruta.tasks.forecast.evaluation import Evaluation
        from gruta.tasks.forecast.explain import Explanation

        if isinstance(found, Evaluation):
            return super().report(found)
        if isinstance(found, Explanation):
            from gruta.tasks.forecast.explain.told import Told

            summed = self._fitted().codec.hierarchy is not None
            return Told(found, None, self.settings.cell, summed).report()
        if isinstance(found, Backtest):
            from gruta.tasks.forecast import backtest_report

            return backtest_report.report(found, self.settings)
        from gruta.tasks.forecast import update_report

        return update_report.report(found)

    def xray(self, data: Source, *, at: str | np.datetime64 | None = None) -> "XRay":
        """A look inside the network while it reads one window of `data` and forecasts.

        at: the first stamp to forecast; by default the last whose horizon is there to compare with.
        The gradient is that of the training's loss. Advice that did not help forecasters of real
        series is not told. InputError where there is no such window.
        """
        from gruta.tasks.look import xrayed

        return xrayed(TASK, self._fitted(), data, start=at)
