"""What the reference makes of an ncnn file of recurrent layers alone, whose weights lie beside it.

`.bin` has the weights of one layer behind the other: how they are stored, in four bytes, then the
numbers.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.errors import InputError
from gruta.exchange.compute import compute
from gruta.exchange.doctor import truth
from gruta.exchange.doctor.ncnn import CELLS, Line, lines, recurrent
from gruta.exchange.layer import GATES, Layer, Side
from gruta.exchange.weights.ncnn import NCNN
from gruta.locale import translate as _

Array = NDArray[Any]
Blobs = dict[str, Array]

_STORED: Mapping[int, Any] = {0: np.float32, 0x01306B47: np.float16}
"""Numbers by what stands before them; others are quantised."""

_BIASES = {"gru": 4, "lstm": 4, "rnn": 1}
"""Rows of biases a unit."""


def asked(
    path: Path, sizes: Sequence[tuple[int, int]]
) -> tuple[list[Mapping[str, Array]], list[list[Array]]]:
    """Inputs by name, for each of these T, and the outputs that ncnn should give; B is 1 in all, as
    it has no batch. InputError for a file that has other layers, and where weights are missing.
    """
    every, weights = list(lines(path)), path.with_suffix(".bin")
    if not weights.is_file():
        problem = _("{path}: its weights are expected in {weights}, which is not there")
        raise InputError(problem.format(path=path, weights=weights))
    try:
        layers = dict(_layers(every, path, weights))
        rng = np.random.default_rng(0)
        given = [_drawn(every, layers, T, rng, path) for T, _B in sizes]
        return given, [_outputs(every, layers, dict(one)) for one in given]
    except InputError:
        raise
    except (KeyError, ValueError, IndexError):  # a blob that is not there, or has other sizes
        problem = _("{path}: its layers do not fit together")
        raise InputError(problem.format(path=path)) from None


def _layers(every: Sequence[Line], path: Path, weights: Path) -> Iterator[tuple[str, Layer]]:
    """Each recurrent layer by its name."""
    with weights.open("rb") as raw:
        for line in every:
            if line.kind in ("Input", "Split"):
                continue
            told = recurrent(line)
            if told is None or told.refused or not told.inputs or told.precision != "float32":
                problem = _("{path}: {name} is not run: {why}")
                why = _("it is no GRU, LSTM or RNN in floating point")
                raise InputError(problem.format(path=path, name=line.name, why=why))
            cell, H, directions = told.cell, told.hidden, 1 + (told.direction == "bidirectional")
            truth.require_small(line.name, (directions * GATES[cell] * H, told.inputs + H))
            shapes = {
                "weight_xc": (directions, GATES[cell] * H, told.inputs),
                "bias_c": (directions, _BIASES[cell] * H),
                "weight_hc": (directions, GATES[cell] * H, H),
            }
            read = {name: _numbers(raw, shape, weights) for name, shape in shapes.items()}
            kind = "rnn_tanh" if cell == "rnn" else cell
            sides = [
                Side(
                    *NCNN.back(kind, {name: own[d] for name, own in read.items()}),
                    d == 1 or told.direction == "reverse",
                )
                for d in range(directions)
            ]
            yield line.name, Layer(CELLS[line.kind], sides, True, "tanh", line.name)
        if raw.read(1):
            raise InputError(_("{path}: it is longer than its layers are").format(path=weights))


def _numbers(raw: Any, shape: tuple[int, ...], path: Path) -> Array:
    dtype = _STORED.get(int.from_bytes(raw.read(4), "little"))
    if dtype is None:
        raise InputError(_("{path}: its numbers are no floating-point ones").format(path=path))
    count = int(np.prod(shape))
    size = count * np.dtype(dtype).itemsize
    held = raw.read(size)
    raw.read(-size % 4)
    if len(held) < size:
        raise InputError(_("{path}: it ends before its layers do").format(path=path))
    return np.frombuffer(held, dtype, count).astype(np.float32).reshape(shape)


def _drawn(
    every: Sequence[Line],
    layers: Mapping[str, Layer],
    T: int,
    rng: np.random.Generator,
    path: Path,
) -> Mapping[str, Array]:
    """x `[T, 1, I]` and first states `[D, 1, H]`, by the file's names, in its order."""
    shapes: dict[str, tuple[int, ...]] = {}
    for line in every:
        if line.name in layers:
            layer = layers[line.name]
            shapes[line.inputs[0]] = T, 1, layer.inputs
            shapes |= dict.fromkeys(line.inputs[1:], (len(layer.sides), 1, layer.hidden))
    names = [name for line in every if line.kind == "Input" for name in line.outputs]
    if strange := [name for name in names if name not in shapes]:
        problem = _("{path}: no GRU, LSTM or RNN reads its input {name}")
        raise InputError(problem.format(path=path, name=strange[0]))
    return {name: rng.normal(size=shapes[name]).astype(np.float32) for name in names}


def _outputs(every: Sequence[Line], layers: Mapping[str, Layer], blobs: Blobs) -> list[Array]:
    """Of all blobs that nothing reads, in the file's order."""
    read = {name for line in every for name in line.inputs}
    for line in every:
        if line.kind == "Split":
            blobs |= dict.fromkeys(line.outputs, blobs[line.inputs[0]])
        elif line.name in layers:
            x, *states = (blobs[name] for name in line.inputs)
            found = compute([layers[line.name]], x, states or None, truth=True)
            blobs |= dict(zip(line.outputs, found, strict=False))
    left = [name for line in every for name in line.outputs if name not in read]
    return [blobs[name] for name in left]
