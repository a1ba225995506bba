"""Model files of every task: how a run becomes one, and how one is asked."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runtime import file
from gruta.runtime.door import Door
from gruta.runtime.model import Model
from gruta.tasks.registry import HOMES

_MISFITS = (
    AttributeError,
    IndexError,
    KeyError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What parts of a file raise that cannot be of one network."""


def load(path: str | Path) -> Model[Any]:
    """The trained network of a model file, ready to be asked; it needs NumPy and safetensors alone.

    InputError where the file is none, is damaged, or is of a later version.
    """
    return model_of(file.load(Path(path)), str(path))


def loads(raw: bytes) -> Model[Any]:
    """The same from a file's bytes, wherever they were kept."""
    return model_of(file.parse(raw))


def door_of(task: str) -> Door[Any]:
    """What a task says of its model files."""
    found: Door[Any] = import_module(_module(task, "head")).DOOR
    return found


def model_of(contents: file.Contents, name: str = "model") -> Model[Any]:
    """The same of what a file holds; name: what messages call it."""
    if contents.task not in HOMES:
        problem = _(
            "{path}: of the task {task!r}, this gruta knows {known}; install the gruta that wrote "
            "it ({version})"
        )
        raise InputError(
            problem.format(
                path=name,
                task=contents.task,
                known=", ".join(HOMES),
                version=contents.version,
            )
        )
    try:
        # Weights may be huge numbers: what comes of them is told when they are asked.
        with np.errstate(all="ignore"):
            return _model_of(contents.task)(contents, door_of(contents.task))
    except _MISFITS as error:
        problem = _("{path}: its parts do not fit together ({error}); export the run again")
        raise InputError(problem.format(path=name, error=error or type(error).__name__)) from error


def _model_of(task: str) -> Callable[[file.Contents, Door[Any]], Model[Any]]:
    """The task's own class, in the module `model` beside its head, if there is one."""
    name = _module(task, "model")
    if find_spec(name) is None:
        return Model
    found: Callable[[file.Contents, Door[Any]], Model[Any]] = import_module(name).MODEL
    return found


def _module(task: str, name: str) -> str:
    return f"{HOMES[task].rpartition('.')[0]}.{name}"
