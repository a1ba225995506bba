"""A trained network as an ONNX file, proven beside its head."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.errors import InputError
from gruta.exchange.doors import engine
from gruta.exchange.onnx.graph import Graph
from gruta.exchange.onnx.write import IR_VERSION, OPSET
from gruta.exchange.proof import apart, require_shape, require_within
from gruta.files import staged
from gruta.locale import translate as _
from gruta.tasks.exporting import require_directory
from gruta.tasks.trained import Trained

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Drawing:
    """What a task's `graph` module makes of a trained network.

    tries: inputs by name, of several sizes. wanted: what the head answers to them, by the names of
    the outputs. said: what stands in the file's metadata beside the task. notes: what is not in the
    file.
    """

    graph: Graph
    tries: Sequence[Arrays]
    wanted: Callable[[Arrays], Arrays]
    said: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Proven:
    """bytes: the file's. error: the largest difference to the head, over 1 or the answer's size
    where that is larger. by: what computed it.
    """

    bytes: int
    error: float
    by: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    notes: Sequence[str]


def drawn(trained: Trained[Any]) -> Drawing:
    """InputError for a task that has no such file, with the reason."""
    name = f"gruta.tasks.{trained.task.name}.graph"
    if find_spec(name) is None:
        problem = _(
            "--to onnx: a run of {task} does not go into one: it is not one network from end to "
            "end; --to gruta keeps all of it"
        )
        raise InputError(problem.format(task=trained.task.name))
    made: Drawing = import_module(name).drawn(trained)
    return made


def write(trained: Trained[Any], path: Path) -> Proven:
    """Write the file; InputError, and nothing written, where it computes something else."""
    require_directory(path)
    own = drawn(trained)
    said = {"task": trained.task.name, **own.said}
    as_text = {k: v if isinstance(v, str) else json.dumps(v) for k, v in said.items()}
    content = own.graph.pieces(trained.task.name, OPSET, IR_VERSION, as_text)
    with staged(path, content, f".{os.getpid()}") as file:
        size = file.stat().st_size
        error, by = _proven(file, own)
    given, found = ([one.name for one in side] for side in (own.graph.inputs, own.graph.outputs))
    return Proven(size, error, by, given, found, own.notes)


def _proven(file: Path, own: Drawing) -> tuple[float, str]:
    run, by = engine(file)
    names, worst = [one.name for one in own.graph.outputs], 0.0
    for given in own.tries:
        wanted = own.wanted(given)
        for name, found in zip(names, run(dict(given)), strict=True):
            expected = wanted[name]
            require_shape(found, expected)
            size = np.maximum(1.0, np.abs(expected))
            worst = max(worst, apart(found, expected, size))
    require_within(worst)
    return worst, by
