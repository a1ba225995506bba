"""What the commands that ask a forecaster can be told besides the file."""

from typing import Any

from pydantic import BaseModel, Field
from pydantic.config import JsonDict

from gruta.tasks.forecast.settings import MissingKnown


def _from(description: str, shown: str) -> Any:
    """The first stamp that is forecast, by default as `shown` says."""
    told: JsonDict = {"flag": "--from", "metavar": "STAMP", "shown": shown}
    return Field(None, description=description, json_schema_extra=told)


STRIDE: Any = Field(
    None,
    description="Rows from one forecast to the next.",
    json_schema_extra={"shown": "the horizon"},
)


class EvaluateOptions(BaseModel):
    """What an evaluation can be told."""

    start: str | None = _from("First stamp to forecast.", "the first that training did not see")
    stride: int | None = STRIDE
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

    start: str | None = _from(
        "First stamp to forecast, after the window that is looked at.",
        "the last with a whole horizon",
    )


class ExplainOptions(BaseModel):
    """What an explanation can be told."""

    at: str | None = _from("First stamp to forecast.", "after the last value")
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
