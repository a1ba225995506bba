"""How a classifier is asked over a network: texts or series, as a whole or row by row."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.tasks.classify.model import ClassifyModel, ClassifyStream
from gruta.tasks.served import Answer, Question, Row, Rows, Served, Streamed, Told, array, plain

MOST_ROWS = 1024
"""Of one step: all streams of a tick wait for the longest."""


class Texts(Question):
    """Texts to be classified."""

    cases: list[str] = Field(max_length=10_000)


class Series(Question):
    """Series to be classified, each a row of the channels' values a step."""

    cases: list[Rows] = Field(max_length=10_000)


class Classes(BaseModel):
    """Of each case the likeliest label, and the probability of each class in the order of the
    labels.
    """

    labels: list[str | int | float | bool]
    probabilities: list[list[float | None]]


class Begin(Question):
    """Nothing is to be said."""


class Step(Question):
    """Rows that have come."""

    rows: list[Row] = Field(min_length=1, max_length=MOST_ROWS)


def _answer(model: ClassifyModel, asked: Texts | Series) -> Answer:
    cases: list[Any] = list(asked.cases)
    if isinstance(asked, Series):
        cases = [array(one, f"cases[{i}]") for i, one in enumerate(cases)]
    found = model(cases)
    return {"labels": list(found.labels), "probabilities": plain(found.probabilities)}


def _about(model: ClassifyModel) -> Answer:
    return {"labels": list(model.labels), "channels": list(model.channels)}


def _unpacked(model: ClassifyModel, numbers: NDArray[np.float32]) -> NDArray[np.float32]:
    rows, rest = divmod(len(numbers), len(model.channels))
    if rest or not 1 <= rows <= MOST_ROWS:
        problem = _("expected 1 to {most} rows of {channels} numbers, got {count} numbers")
        told = {"most": MOST_ROWS, "channels": len(model.channels), "count": len(numbers)}
        raise InputError(rows=problem.format(**told))
    return numbers.reshape(rows, -1)


def _accept(stream: ClassifyStream, step: Any) -> None:
    stream.accept(array(step.rows, "rows") if isinstance(step, Step) else step)


def _teller(stream: ClassifyStream) -> Told:
    def result() -> Answer:
        found = stream.result()
        label = stream.model.labels[int(found.argmax())]
        return {"label": label, "probabilities": plain(found), "steps": stream.steps}

    return Told(result)


STREAMED: Streamed[ClassifyModel, ClassifyStream] = Streamed(
    begin=Begin,
    step=Step,
    begun=lambda model, begin: model.stream(),
    accept=_accept,
    teller=_teller,
    unpacked=_unpacked,
    packed=lambda stream: stream.result(),
)


def SERVED(model: ClassifyModel) -> Served[ClassifyModel]:
    """By what it reads; a series can be read as it comes where the network reads forward alone."""
    if model.codec.kind == "text":
        return Served(Texts, Classes, _answer, _about)
    stream = None if model.settings.bidirectional else STREAMED
    return Served(Series, Classes, _answer, _about, stream)
