"""The forecaster's own commands: `gruta backtest` and `gruta update`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from gruta.settings import resolve
from gruta.tasks.commands import Call, Command
from gruta.tasks.forecast.settings import ForecastSettings
from gruta.tasks.forecast.task import TASK
from gruta.tasks.task import Report
from gruta.tasks.trained import Trained

if TYPE_CHECKING:
    import polars as pl

    from gruta.report.page import Table
    from gruta.tasks.forecast.backtest import Backtest


class BacktestOptions(BaseModel):
    """What a backtest can be told."""

    windows: int = Field(
        3,
        gt=0,
        le=1000,
        description="Cuts. They divide the end of the series that is held out for the test, or "
        "that the run's training did not see.",
    )
    stride: int | None = Field(
        None,
        description="Rows from one forecast to the next.",
        json_schema_extra={"shown": "the horizon"},
    )
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


COMMANDS = (Command(TASK, "backtest", backtested, BacktestOptions, trains=True, place="backtest"),)
