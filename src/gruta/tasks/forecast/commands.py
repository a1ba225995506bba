"""The forecaster's own commands: `gruta backtest` and `gruta update`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.settings import resolve
from gruta.tasks.commands import Call, Command
from gruta.tasks.forecast.options import STRIDE
from gruta.tasks.forecast.settings import ForecastSettings
from gruta.tasks.forecast.task import TASK
from gruta.tasks.task import Report
from gruta.tasks.trained import Trained

if TYPE_CHECKING:
    import polars as pl

    from gruta.report.page import Table
    from gruta.tasks.forecast.backtest import Backtest
    from gruta.tasks.forecast.evaluation import Evaluation
    from gruta.tasks.forecast.update import Updated


class BacktestOptions(BaseModel):
    """What a backtest can be told."""

    windows: int = Field(
        3,
        gt=0,
        le=1000,
        description="Cuts. They divide the end of the series that is held out for the test, or "
        "that the run's training did not see.",
    )
    stride: int | None = STRIDE
    statistical: bool = Field(
        False,
        description="Beside AutoETS, AutoARIMA and MSTL too, fitted before each forecast: for a "
        "minute a cut. Needs the extra stats.",
    )
    carry: bool = Field(
        False,
        description="Let a network that is trained with --tbptt read all of the series before a "
        "forecast, once, instead of a window each time.",
    )


@dataclass(frozen=True, eq=False)
class Backtested:
    """A backtest, and the settings of its networks."""

    found: "Backtest"
    settings: ForecastSettings

    @property
    def tables(self) -> "Sequence[Table]":
        """The error by cut, and how sure the differences are over all."""
        from gruta.tasks.forecast.backtest_report import tables

        return tables(self.found)

    @property
    def words(self) -> Sequence[str]:
        """The verdict over all cuts, and what is to be known beside."""
        return [TASK.verdict(self.found.pooled), *self.found.notes]

    @property
    def report(self) -> Report:
        """All cuts, then each."""
        from gruta.tasks.forecast.backtest_report import report

        return report(self.found, self.settings)

    def to_json(self) -> dict[str, Any]:
        """Scores and differences, by cut and of all."""
        return self.found.to_json()

    def frame(self) -> "pl.DataFrame":
        """Every forecast."""
        return self.found.frame()

    @property
    def renamed(self) -> Mapping[str, str]:
        """Columns of `frame` that are called otherwise."""
        return self.found.renamed


def backtested(call: Call) -> Backtested:
    """Of a run, or of networks that are trained for it."""
    from gruta.tasks.forecast.backtest import backtest, backtest_anew

    if call.run is not None:
        trained = Trained.load(call.run, TASK)
        settings = resolve(ForecastSettings, trained.settings.model_dump() | dict(call.given))
        series = TASK.open(call.source, settings, trained.codec)
        call.tell(series)
        return Backtested(backtest(trained, series, **call.how), trained.settings)
    settings = resolve(ForecastSettings, dict(call.given))
    series = TASK.open(call.source, settings)
    call.tell(series)
    found = backtest_anew(settings, series, call.place, call.progress, **call.how)
    return Backtested(found, settings)


class UpdateOptions(BaseModel):
    """What an update can be told."""

    steps: int | None = Field(
        None,
        gt=0,
        description="Optimiser steps, at most.",
        json_schema_extra={"shown": "a quarter of the run's"},
    )
    learning_rate: float | None = Field(
        None,
        gt=0,
        le=1e6,
        description="The highest rate of the schedule.",
        json_schema_extra={"shown": "a quarter of the run's"},
    )
    test_share: float | None = Field(
        None,
        ge=0,
        lt=0.5,
        description="Share of the series, its end, that is held out to compare before and after; "
        "0: learn from all.",
        json_schema_extra={"shown": "as in training"},
    )
    linear: Literal["auto", "kept", "anew"] = Field(
        "auto",
        description="The linear path: kept, solved anew, or what forecasts the validation part "
        "better.",
    )


@dataclass(frozen=True, eq=False)
class UpdateOutcome:
    """An update as a command tells it."""

    found: "Updated"

    @property
    def tables(self) -> "Sequence[Table]":
        """What had changed, and before and after; scores where something is held out."""
        from gruta.tasks.forecast.update_report import tables

        scored = [TASK.scores(self.found.found)] if self.found.found else []
        return [*tables(self.found), *scored]

    @property
    def words(self) -> Sequence[str]:
        """The same in sentences, and the verdict."""
        from gruta.tasks.forecast.update_report import sentences

        found = self.found.found
        return [*sentences(self.found), *([TASK.verdict(found), *found.notes] if found else [])]

    @property
    def report(self) -> Report:
        """The drift, then the page of any training."""
        from gruta.tasks.forecast.update_report import report

        return report(self.found)

    def to_json(self) -> dict[str, Any]:
        """The drift, the gain, and scores as a training has them."""
        gain, found = self.found.gain, self.found.found
        told: dict[str, Any] = {"drift": self.found.drift.to_json()}
        if found is not None and gain is not None:
            told["gain"] = gain.to_json() | {"mae_before": self.found.mae_before}
            told |= {"scores": [s.to_json() for s in found.scores], "lost_to": found.lost_to}
        return told

    def frame(self) -> "pl.DataFrame":
        """Every forecast of what is held out; InputError where nothing is."""
        return self._held_out.frame()

    @property
    def renamed(self) -> Mapping[str, str]:
        """Columns of `frame` that are called otherwise."""
        return self._held_out.renamed

    @property
    def _held_out(self) -> "Evaluation":
        if self.found.found is None:
            raise InputError(out=_("nothing is held out to forecast; give a test_share above 0"))
        return self.found.found


def updated(call: Call) -> UpdateOutcome:
    """Of a run, as a new one."""
    from gruta.runs import Run
    from gruta.runs.summary import SCORES
    from gruta.tasks.forecast.update import steps_of, update

    assert call.run is not None
    before = Trained.load(call.run, TASK)
    settings = resolve(ForecastSettings, before.settings.model_dump() | dict(call.given))
    series = TASK.open(call.source, settings, before.codec)
    call.tell(series)
    steps = steps_of(before.settings, call.how.get("steps"))
    with call.progress(call.place.name, steps) as shown:
        name = str(call.source)
        told = UpdateOutcome(
            update(before, series, call.place, progress=shown, name=name, **call.how)
        )
    if told.found.found is not None:
        scores = {name: value for name, value in told.to_json().items() if name != "drift"}
        Run(call.place).write_json(SCORES, scores)
    return told


COMMANDS = (
    Command(TASK, "backtest", backtested, BacktestOptions, trains=True, place="backtest"),
    Command(TASK, "update", updated, UpdateOptions),
)
