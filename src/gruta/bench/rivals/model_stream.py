"""gruta's runtime: a stream of a model that was loaded from a file's bytes, and takes rows in."""

from dataclasses import replace
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.bench.cases import Case
from gruta.bench.inputs import Inputs
from gruta.bench.rivals import QUANTISED, Job
from gruta.runtime.file import Contents
from gruta.runtime.weights import as_stored


def start(threads: int) -> "ModelStream":
    """A step of one row runs on one thread."""
    return ModelStream()


class ModelStream:
    """A classifier of series with one layer, whose rows are accepted and advanced by."""

    def about(self) -> dict[str, str]:
        """The version."""
        import gruta

        return {"version": gruta.__version__}

    def variants(self, case: Case, slow: bool) -> tuple[str, ...]:
        """Its steps."""
        return ("float32",) if case.regime == "step" else ()

    def smaller(self, case: Case) -> tuple[str, ...]:
        """A file of int8."""
        return (QUANTISED,) if case.regime == "step" else ()

    def prepare(self, case: Case, inputs: Inputs, variant: str) -> Job:
        """accept and advance, a row each; the state is the stream's."""
        stream = _model(case, inputs, variant).stream()
        rows = list(inputs.x[:, 0])
        endless = cycle(rows)
        initial = tuple(part.copy() for part in inputs.states)

        def begin() -> None:
            nonlocal endless
            endless = cycle(rows)
            stream.reset()
            stream.read = replaced(stream.read, initial)

        def step() -> None:
            stream.steps = 0  # a case has no end here
            stream.accept(next(endless))
            stream.advance()

        def results() -> dict[str, NDArray[Any]]:
            begin()
            found = []
            for _ in rows:
                step()
                found.append(stream.read.state[0].copy())
            return {"h": np.stack(found)}

        begin()
        _values, arrays = stream.state()
        return replace(Job(step, results), state=sum(own.nbytes for own in arrays.values()))


def replaced(read: Any, state: tuple[NDArray[np.float32], ...]) -> Any:
    """What is kept of a case, with another state."""
    return read._replace(state=state)


def _model(case: Case, inputs: Inputs, kind: Any) -> Any:
    from gruta.tasks.models import loads

    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    weights = {f"layer.{n}_l0": w for n, w in zip(names, inputs.weights, strict=True)}
    weights["output.weight"] = np.zeros((2, case.H), np.float32)
    weights["output.bias"] = np.zeros(2, np.float32)
    channels = [f"x{i}" for i in range(case.I)]
    scaler = {"mean": [0.0] * case.I, "scale": [1.0] * case.I}
    codec = {
        "kind": "series",
        "reader": {"names": channels, "scaler": scaler, "gaps": []},
        "labels": [0, 1],
        "counts": [1, 1],
        "longest": 2**30,
        "temperature": 1.0,
        "mix": 0.0,
    }
    architecture: dict[str, Any] = {
        "cell": case.cell,
        "hidden": case.H,
        "layers": 1,
        "bidirectional": False,
    }
    architecture |= {"pooling": "last", "embedding": 0, "bayes": False}
    stored = as_stored(weights, kind)
    contents = Contents("classify", kind, architecture, codec, {}, stored, "bench")
    return loads(contents.to_bytes())
