"""The engines that are there, run on a file: in processes of their own, which they may end."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.errors import InputError
from gruta.exchange.compute import compute
from gruta.exchange.doctor import ncnn_asked, truth
from gruta.exchange.doctor.engines import ENGINES
from gruta.exchange.doctor.openvino_alone import alone
from gruta.exchange.engines import run as runner
from gruta.exchange.onnx.read import whole
from gruta.exchange.proof import apart
from gruta.locale import translate as _

Array = NDArray[Any]

KINDS = {".onnx": "onnx", ".keras": "keras", ".xml": "openvino", ".param": "ncnn"}
"""Of the files that are run, by their suffixes."""

SIZES = ((7, 3), (1, 1), (11, 2))
"""T and B of the inputs that are drawn."""

_SECONDS = 120
"""For a file."""


@dataclass(frozen=True)
class Trial:
    """error: the largest of all outputs and sizes against the reference, None where the engine
    failed; failed: what it said.
    """

    engine: str
    version: str
    error: float | None
    failed: str = ""

    def to_json(self) -> dict[str, Any]:
        """JSON has no infinity: an error that is no number is null, though nothing failed."""
        error = self.error
        return asdict(self) | {"error": error if error is not None and isfinite(error) else None}


@dataclass(frozen=True)
class There:
    """An engine, the Python that has it, and where Node's packages are."""

    engine: str
    version: str
    python: str = sys.executable
    modules: str = ""

    def call(self, *folders: Path) -> "subprocess.CompletedProcess[str]":
        """Run the models in these folders; subprocess.TimeoutExpired where that takes too long."""
        seconds = _SECONDS * len(folders)
        return _called(self.python, self.modules, [self.engine, *map(str, folders)], seconds)


def there(places: Sequence[Path] = ()) -> list[There]:
    """The engines of this Python and of other places: a Python, or a folder with node_modules.

    InputError for a place that is neither, with what it said last.
    """
    found: dict[str, There] = {}
    for place in (Path(sys.executable), *places):
        python, modules = str(place), ""
        if place.is_dir():
            python, modules = sys.executable, str(place / "node_modules")
            if not Path(modules).is_dir():
                raise InputError(_expected(place, _("that folder has none")))
        try:
            done = _called(python, modules, ["list"], _SECONDS)
        except (OSError, subprocess.SubprocessError) as error:
            raise InputError(_expected(place, str(error))) from error
        try:
            said = json.loads(done.stdout)
        except ValueError as error:
            raise InputError(_expected(place, runner.last(done.stderr, done.returncode))) from error
        for engine, version in said.items():
            found.setdefault(engine, There(engine, version, python, modules))
    return list(found.values())


def _expected(place: Path, said: str) -> str:
    problem = _("{place}: expected a Python with NumPy, or a folder with node_modules ({said})")
    return problem.format(place=place, said=said)


@dataclass(frozen=True, eq=False)
class Asked:
    """A file, inputs by name, as often as it is run, and the outputs that each should give."""

    path: Path
    given: Sequence[Mapping[str, Array]]
    wanted: Sequence[Sequence[Array]]


def tried(path: Path, places: Sequence[Path] = ()) -> list[Trial]:
    """What each engine that is there, and takes such files, makes of one of `KINDS`."""
    kind = KINDS[path.suffix.lower()]
    known = {one.name for one in ENGINES[kind]}
    with tempfile.TemporaryDirectory() as scratch:
        if kind == "openvino":
            files = [Asked(*one) for one in alone(path, Path(scratch), SIZES)]
        elif kind == "ncnn":
            files = [Asked(path, *ncnn_asked.asked(path, SIZES))]
        else:
            files = [asked_keras(path) if kind == "keras" else asked(path)]
        return [_worst(trials(one, files)) for one in there(places) if one.engine in known]


def _worst(found: Sequence[Trial]) -> Trial:
    """Of one engine: one that failed, else that with the largest error."""
    return max(found, key=lambda one: float("inf") if one.error is None else one.error)


def asked_keras(path: Path) -> Asked:
    """Of a Keras file that is nothing but recurrent layers; InputError for others, and for what no
    layer of gruta has.
    """
    from gruta.exchange.keras.archive import chain
    from gruta.exchange.keras.layers import layer_of

    kept, rng = chain(path), np.random.default_rng(0)
    layers, given, wanted = [layer_of(one) for one in kept], [], []
    for T, B in SIZES:
        sizes = kept[0].fixed[1] or T, kept[0].fixed[0] or B, layers[0].inputs
        truth.require_small(str(path), sizes)
        x = rng.normal(size=sizes).astype(np.float32)
        given.append({"x": np.ascontiguousarray(x.swapaxes(0, 1))})
        for layer in layers:
            x, last, *_c = compute([layer], x, truth=True)
        whole = bool(kept[-1].config.get("return_sequences"))
        wanted.append([x.swapaxes(0, 1) if whole else np.concatenate(last, -1)])
    return Asked(path, given, wanted)


def asked(path: Path) -> Asked:
    """Of an ONNX file: inputs by chance, and what the reference makes of them; InputError where it
    has an operator that onnx's evaluator has not, or computes nothing at all.
    """
    model, rng = whole(path), np.random.default_rng(0)
    try:
        given = [truth.drawn(model, T, B, rng) for T, B in SIZES]
        return Asked(path, given, [truth.outputs(model, one) for one in given])
    except InputError:
        raise
    except Exception as error:  # of as many kinds as there are operators
        problem = _("{path}: the reference does not compute it: {error}")
        said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise InputError(problem.format(path=path, error=said)) from error


def trials(engine: There, files: Sequence[Asked]) -> list[Trial]:
    """What an engine makes of files, one process for as many as it does not end at."""
    with tempfile.TemporaryDirectory() as scratch:
        folders = [Path(scratch, str(k)) for k in range(len(files))]
        for folder, one in zip(folders, files, strict=True):
            folder.mkdir()
            (folder / "model.txt").write_text(str(one.path.resolve()))
            for k, given in enumerate(one.given):
                np.savez(folder / f"in{k}.npz", **dict[str, Any](given))
        left = list(zip(folders, files, strict=True))
        while left:
            said = _ended(engine, [folder for folder, _asked in left])
            left = [pair for pair in left if not _finished(*pair)]
            if left:
                (left[0][0] / "failed.txt").write_text(said)
                left = left[1:]
        return [_trial(engine, *pair) for pair in zip(folders, files, strict=True)]


def _finished(folder: Path, asked: Asked) -> bool:
    """Whether the last of the outputs is there, or why there is none."""
    return _failed(folder) or (folder / f"out{len(asked.given) - 1}.npz").is_file()


def _failed(folder: Path) -> bool:
    return (folder / "failed.txt").is_file()


def _ended(engine: There, folders: Sequence[Path]) -> str:
    """Run them; what the process said last."""
    try:
        done = engine.call(*folders)
    except subprocess.TimeoutExpired:
        return f"{_SECONDS * len(folders)} s"
    return runner.last(done.stderr, done.returncode)


def _called(
    python: str, modules: str, said: Sequence[str], seconds: int
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [python, runner.__file__, *said],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        env=os.environ | ({"NODE_MODULES": modules} if modules else {}),
    )


def _trial(there: There, folder: Path, asked: Asked) -> Trial:
    if _failed(folder):
        said = (folder / "failed.txt").read_text().splitlines()
        return Trial(there.engine, there.version, None, said[0] if said else "–")
    worst = 0.0
    for k, wanted in enumerate(asked.wanted):
        with np.load(folder / f"out{k}.npz") as own:
            found = [own[name] for name in own.files]
        if len(found) < len(wanted):
            failed = _("{found} outputs for {expected}")
            failed = failed.format(found=len(found), expected=len(wanted))
            return Trial(there.engine, there.version, None, failed)
        worst = max(worst, *(_distance(*pair) for pair in zip(found, wanted, strict=False)))
    return Trial(there.engine, there.version, worst)


def _distance(found: Array, wanted: Array) -> float:
    if found.shape != wanted.shape:
        return float("inf")
    return apart(found, wanted)
