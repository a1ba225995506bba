"""The engines that are installed, run on a file: each in a process of its own, which it may end."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.exchange.doctor import truth
from gruta.exchange.onnx.read import load

Array = NDArray[Any]

SIZES = ((7, 3), (1, 1), (11, 2))
"""T and B of the inputs that are drawn."""

_SECONDS = 120


@dataclass(frozen=True)
class Trial:
    """error: the largest of all outputs and sizes against the reference, None where the engine
    failed; failed: what it said.
    """

    engine: str
    version: str
    error: float | None
    failed: str = ""


def tried(path: Path) -> list[Trial]:
    """Of each engine that is installed."""
    model = load(path)
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for k, (T, B) in enumerate(SIZES):
            given = truth.drawn(model, T, B, rng)
            np.savez(place / f"in{k}.npz", **dict[str, Any](given))
            np.savez(place / f"truth{k}.npz", *truth.outputs(model, given))
        return [_trial(name, path, place) for name in ENGINES if find_spec(name)]


def _trial(engine: str, path: Path, place: Path) -> Trial:
    command = [sys.executable, "-m", __name__, engine, str(path.resolve()), str(place)]
    found = version(engine)
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Trial(engine, found, None, f"{_SECONDS} s")
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        return Trial(engine, found, None, lines[-1].strip() if lines else str(done.returncode))
    worst = 0.0
    for k in range(len(SIZES)):
        own, other = (np.load(place / f"{name}{k}.npz") for name in (engine, "truth"))
        for name in other.files:
            worst = max(worst, _distance(own[name], other[name]))
    return Trial(engine, found, worst)


def _distance(found: Array, wanted: Array) -> float:
    if found.shape != wanted.shape:
        return float("inf")
    return float(np.abs(found - wanted).max()) if wanted.size else 0.0


def _onnxruntime(path: str) -> Callable[[Mapping[str, Array]], list[Array]]:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda given: session.run(None, dict(given))


def _openvino(path: str) -> Callable[[Mapping[str, Array]], list[Array]]:
    import openvino

    core = openvino.Core()
    compiled = core.compile_model(core.read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda given: [np.array(found) for found in compiled(dict(given)).values()]


ENGINES = {"onnxruntime": _onnxruntime, "openvino": _openvino}
"""Makes of a file what computes its outputs."""


def _main(engine: str, path: str, place: str) -> None:
    compute = ENGINES[engine](path)
    for k in range(len(SIZES)):
        given = dict(np.load(Path(place, f"in{k}.npz")))
        np.savez(Path(place, f"{engine}{k}.npz"), *compute(given))


if __name__ == "__main__":
    _main(*sys.argv[1:])
