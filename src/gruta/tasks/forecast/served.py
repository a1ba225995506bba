"""How a forecaster is asked over a network: whole series, or rows as they come."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from gruta.codec.series.rows import Rows as NextRow
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.tasks.forecast.model import Forecast, ForecastModel
from gruta.tasks.forecast.stream import ForecastStream
from gruta.tasks.served import Answer, Question, Served, Streamed, Told, plain

MOST_ROWS = 100_000
"""That a stream keeps: of a series that training did not see, all rows tell its scale."""

Column = list[float | str | None]


class Case(Question):
    """One series: its values, and what stands beside them."""

    target: list[float | None] = Field(min_length=1, max_length=1_000_000)
    start: str | int | None = Field(None, description="Stamp of the first value.")
    times: list[str | int] | None = Field(None, description="Stamps of all, in its place.")
    known: dict[str, Column] | None = Field(
        None, description="By column, of these rows and of those to come."
    )
    past: dict[str, Column] | None = Field(None, description="By column, of these rows.")
    static: dict[str, float | str | None] | None = Field(None, description="By column one value.")
    series: str | None = Field(None, description="Its name, where training had several.")


class Cases(Question):
    """Series to be forecast together."""

    cases: list[Case] = Field(min_length=1, max_length=10_000)
    horizon: int | None = Field(None, ge=1, le=10_000)
    missing_known: Literal["error", "hold", "season"] | None = None


class OfSeries(BaseModel):
    """What follows: by the data's clock, quantiles at levels, in the target's unit."""

    series: str
    times: list[str | int]
    levels: list[float]
    quantiles: list[list[float | None]]


class Forecasts(BaseModel):
    """A forecast of each case."""

    forecasts: list[OfSeries]


class Begin(Question):
    """What a series as a whole has."""

    start: str | int | None = Field(None, description="Stamp of the first value to come.")
    series: str | None = Field(None, description="Its name, where training had several.")
    static: dict[str, float | str | None] | None = Field(None, description="By column one value.")


class Step(Question):
    """Values of the target that have come, with their columns; those known ahead may run ahead."""

    target: list[float | None] = Field(max_length=10_000)
    known: dict[str, Column] | None = None
    past: dict[str, Column] | None = None


def _answer(model: ForecastModel, asked: Cases) -> Answer:
    cases = [_case(one) for one in asked.cases]
    found = model.many(cases, horizon=asked.horizon, missing_known=asked.missing_known)
    return {"forecasts": [_told(one) for one in found]}


def _case(one: Case) -> dict[str, Any]:
    return dict(one) | {"target": _numbers(one.target), **_columns(one)}


def _columns(given: Any) -> dict[str, Any]:
    return {side: _side(getattr(given, side)) for side in ("known", "past")}


def _side(given: dict[str, Column] | None) -> dict[str, Any] | None:
    """Columns of numbers with NaN for what is missing; those of texts as they are."""
    if given is None:
        return None
    return {
        name: own if any(isinstance(one, str) for one in own) or not own else _numbers(own)
        for name, own in given.items()
    }


def _numbers(given: Any) -> NDArray[np.float64]:
    return np.array(given, np.float64)


def _told(found: Forecast) -> Answer:
    return {
        "series": found.series,
        "times": plain(found.times),
        "levels": list(found.levels),
        "quantiles": plain(found.quantiles),
    }


def _about(model: ForecastModel) -> Answer:
    encoding = model.codec.encoding
    return {
        "levels": list(model.levels),
        "horizon": model.horizon,
        "history": model.history,
        "known": list(encoding.columns.known),
        "past": list(encoding.columns.past),
        "static": list(encoding.columns.static),
        "series": bool(encoding.columns.series),
        "step": encoding.frequency.name,
    }


def _begun(model: ForecastModel, begin: Begin) -> ForecastStream:
    return model.stream(start=begin.start, series=begin.series, static=begin.static)


def _accept(stream: ForecastStream, step: Any) -> None:
    more = len(step.target if isinstance(step, Step) else step)
    if len(stream.given.target) + more > MOST_ROWS:
        problem = _("a stream keeps at most {most} rows of such a series; reset it")
        raise InputError(target=problem.format(most=MOST_ROWS))
    if isinstance(step, Step):
        stream.accept(_numbers(step.target), **_columns(step))
    else:
        stream.accept(step)


def _unpacked(model: ForecastModel, numbers: NDArray[np.float32]) -> NDArray[np.float64]:
    columns = model.codec.encoding.columns
    if columns.known or columns.past:
        raise InputError(
            _("a step of this model has columns beside the target, and no form in bytes; send JSON")
        )
    return numbers.astype(np.float64)


def _packed(stream: ForecastStream) -> NDArray[np.float64]:
    return stream.result().quantiles.ravel()


STREAMED = Streamed(
    begin=Begin,
    step=Step,
    begun=_begun,
    accept=_accept,
    teller=lambda stream: Told(lambda: _told(stream.result())),
    unpacked=_unpacked,
    packed=_packed,
)


def SERVED(model: ForecastModel) -> Served[ForecastModel]:
    """Series that sum up are forecast together, and stamps that follow no even step are told."""
    frequency = model.codec.encoding.frequency
    uneven = isinstance(frequency, NextRow) and not frequency.numbered
    alone = model.codec.hierarchy is None and not uneven
    return Served(Cases, Forecasts, _answer, _about, STREAMED if alone else None)
