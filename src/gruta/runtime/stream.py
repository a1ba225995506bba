"""What comes bit by bit, read as it comes: create, accept, ready, advance, result, reset.

A stream is one caller's: two threads may not use one at once. Many streams are advanced together by
`Model.advance`, each to what it would have come to alone.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runtime.file import packed, unpacked
from gruta.runtime.weights import Stored, plain

if TYPE_CHECKING:
    from gruta.runtime.model import Model

KIND = "gruta-stream"
VERSION = 1
FIELDS = ("format", "format_version", "gruta_version", "task", "model", "state", "checksum")

M = TypeVar("M", bound="Model[Any]")
Arrays = Mapping[str, NDArray[Any]]


class Stream(ABC, Generic[M]):
    """One of them. A task's own says what `accept` takes and `result` gives."""

    def __init__(self, model: M) -> None:
        self.model = model

    @abstractmethod
    def ready(self) -> bool:
        """Whether there is something to advance by."""

    @abstractmethod
    def result(self) -> Any:
        """What the model says by now."""

    @abstractmethod
    def reset(self) -> None:
        """Begin anew."""

    def advance(self) -> None:
        """Take in what has come; as `Model.advance` of this stream alone."""
        self.model.advance([self])

    @abstractmethod
    def state(self) -> tuple[dict[str, Any], Arrays]:
        """All that it is: plain values, and arrays."""

    @abstractmethod
    def set_state(self, values: Mapping[str, Any], arrays: Arrays) -> None:
        """Be what `state` told; ValueError, KeyError or TypeError if it is anything else."""

    def hidden(self) -> NDArray[np.float32] | None:
        """h of each layer by now `[L, H]`; None of a stream that keeps none between two steps."""
        return None

    def to_bytes(self) -> bytes:
        """What `Model.restore` makes a stream of that goes on where this one is, in any process."""
        values, arrays = self.state()
        about = {
            "format": KIND,
            "format_version": str(VERSION),
            "gruta_version": self.model.version,
            "task": self.model.task,
            "model": self.model.checksum,
            "state": json.dumps(values),
        }
        return packed(about, {name: plain(array) for name, array in arrays.items()})


def restored(model: "Model[Any]", raw: bytes) -> Stream[Any]:
    """The stream that gave these bytes; see `Model.restore`."""
    name = "state"
    about, tensors = unpacked(raw, name, KIND, {VERSION: FIELDS})
    if about["model"] != model.checksum:
        problem = _("{name}: of another model than this one; restore it with the file it is of")
        raise InputError(problem.format(name=name))
    stream = model.blank()
    try:
        stream.set_state(json.loads(about["state"]), _arrays(tensors))
    except InputError:
        raise
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
        problem = _("{name}: not the state of such a stream ({error!r})")
        raise InputError(problem.format(name=name, error=error)) from error
    return stream


def _arrays(tensors: Mapping[str, Stored]) -> dict[str, NDArray[Any]]:
    return {name: np.array(one.array) for name, one in tensors.items()}


def require_like(found: NDArray[Any], like: NDArray[Any], name: str) -> NDArray[Any]:
    """An array of this shape and dtype; ValueError else."""
    if found.shape != like.shape or found.dtype != like.dtype:
        problem = _("{name}: expected shape {expected} of {dtype}, found {found} of {other}")
        raise ValueError(
            problem.format(
                name=name,
                expected=like.shape,
                dtype=like.dtype,
                found=found.shape,
                other=found.dtype,
            )
        )
    return found
