"""How models are asked over a network: what may be asked in JSON, and the answers' form.

A task says it in a module `served` beside its `model`: SERVED, of a model what `Served` has. The
fields of a question are checked by pydantic before a model sees them, so that what a client sends
has bounds; what they mean is the model's to say.
"""

import base64
import binascii
import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any, Generic, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runtime.model import Model
from gruta.runtime.stream import Stream
from gruta.tasks.registry import HOMES

M = TypeVar("M", bound=Model[Any])
S = TypeVar("S", bound=Stream[Any])
Answer = dict[str, Any]

BINARY, NUMBERS = "binary", "numbers"
"""The two ways to write an array."""


class Question(BaseModel):
    """What is asked: no fields but these, each of its own type."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class Binary(Question):
    """An array as bytes, the last index fastest, the low byte of a number first."""

    dtype: Literal["float32", "float64", "uint8"] = "float32"
    shape: list[Annotated[int, Field(ge=0, le=2**31)]] = Field(min_length=1, max_length=4)
    data: str = Field(description="base64 of its bytes.", pattern=r"^[A-Za-z0-9+/]*={0,2}$")


def form(given: Any) -> str:
    """In which way an array is written."""
    return BINARY if isinstance(given, dict | Binary) else NUMBERS


Row = list[float | None]
Rows = Annotated[
    Annotated[list[Row], Tag(NUMBERS)] | Annotated[Binary, Tag(BINARY)], Discriminator(form)
]
"""A table of numbers, null where one is missing."""


def array(given: Any, name: str) -> NDArray[Any]:
    """Of either way; InputError where bytes and shape disagree, or rows have several lengths."""
    if not isinstance(given, Binary):
        try:
            return np.array(given, np.float64)
        except ValueError:
            raise InputError(**{name: _("expected rows of one length")}) from None
    try:
        raw = base64.b64decode(given.data, validate=True)
    except binascii.Error as error:
        raise InputError(**{f"{name}.data": _("expected base64 of bytes")}) from error
    dtype = np.dtype(given.dtype).newbyteorder("<")
    if math.prod(given.shape) * dtype.itemsize != len(raw):
        problem = _("expected {bytes} bytes for this shape, got {found}")
        told = {"bytes": math.prod(given.shape) * dtype.itemsize, "found": len(raw)}
        raise InputError(**{f"{name}.data": problem.format(**told)})
    return np.frombuffer(raw, dtype).reshape(given.shape).astype(given.dtype)


def plain(values: NDArray[Any]) -> Any:
    """Lists of numbers as JSON has them, null for what is none; stamps as texts."""
    if values.dtype.kind == "M":
        return np.datetime_as_string(values, unit="auto").tolist()
    found = values.tolist()
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        return _finite(found)
    return found


def _finite(found: Any) -> Any:
    if isinstance(found, list):
        return [_finite(one) for one in found]
    return found if math.isfinite(found) else None


class Teller(Protocol):
    """Says of one stream what its client has not been told."""

    def news(self) -> Answer:
        """After an advance."""

    def rest(self) -> Answer:
        """What is left where the stream ends."""


@dataclass(frozen=True)
class Streamed(Generic[M, S]):
    """How streams are begun, fed and read.

    begin: what a client may say of a new one. step: what it sends each time. begun: makes the
    stream. accept: takes a step in. steps: how many advances a step asks for. teller: says what is
    new. unpacked: a step from float32 numbers, and packed: a result as such `[n]`, of those that
    have a form in bytes. All raise InputError for what does not fit.
    """

    begin: type[Question]
    step: type[Question]
    begun: Callable[[M, Any], S]
    accept: Callable[[S, Any], None]
    teller: Callable[[S], Teller]
    steps: Callable[[Any], int] = lambda step: 1
    unpacked: Callable[[M, NDArray[np.float32]], Any] | None = None
    packed: Callable[[S], NDArray[Any]] | None = None


@dataclass(frozen=True)
class Served(Generic[M]):
    """How a model is asked as a whole, and as a stream.

    about: what a client has to know of it. stream: None where it answers when it has read all.
    """

    question: type[Question]
    reply: type[BaseModel]
    answer: Callable[[M, Any], Answer]
    about: Callable[[M], Answer]
    stream: Streamed[M, Any] | None = None


@dataclass(frozen=True)
class Told:
    """A teller of what a stream's result is as a whole."""

    result: Callable[[], Answer]

    def news(self) -> Answer:
        """All of it."""
        return self.result()

    def rest(self) -> Answer:
        """Nothing is kept back."""
        return {}


def served(model: Model[Any]) -> Served[Any]:
    """How a model of whatever task is asked; InputError of a task that has no such module."""
    place = f"{HOMES[model.task].rpartition('.')[0]}.served"
    try:
        found: Served[Any] = import_module(place).SERVED(model)
    except ModuleNotFoundError as error:
        if error.name != place:
            raise
        problem = _("a model of the task {task} is not served: ask it in Python, by gruta.load")
        raise InputError(problem.format(task=model.task)) from error
    return found
