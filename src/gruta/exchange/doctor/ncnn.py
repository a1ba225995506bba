"""What an ncnn `.param` file says of its recurrent layers: text, a layer a line.

LSTM  name  inputs outputs  blobs…  0=units 1=weights 2=direction 3=units before a projection
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gruta.errors import InputError
from gruta.exchange.doctor.finding import Diagnosis, Recurrent
from gruta.exchange.layer import GATES
from gruta.locale import translate as _

_MAGIC = "7767517"
_LARGEST = 2**24
"""Bytes; weights lie in another file."""

CELLS: dict[str, Any] = {"GRU": "gru", "LSTM": "lstm", "RNN": "rnn"}
_CELL_LAYERS = {"GRUCell", "LSTMCell", "RNNCell", "nn.GRUCell", "nn.LSTMCell", "nn.RNNCell"}
_DIRECTIONS = ("forward", "reverse", "bidirectional")


@dataclass(frozen=True)
class Line:
    """A layer of a file: the names of what it reads and gives, and its options by their numbers."""

    kind: str
    name: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    options: Mapping[str, str]


def examine(path: Path) -> Diagnosis:
    """InputError for a file that is none of ncnn, or is its binary form."""
    every = list(lines(path))
    used = {blob for line in every for blob in line.inputs}
    layers, doubts = [], []
    for line in every:
        if line.kind in CELLS:
            layer, doubt = _layer(line, used)
            layers.append(layer)
            doubts += doubt
        elif line.kind in _CELL_LAYERS:
            problem = _(
                "{name}: {kind} is no layer of ncnn: it does not load; export a whole layer"
            )
            doubts.append(problem.format(name=line.name, kind=line.kind))
    if layers:
        doubts.append(
            _(
                "ncnn has no batch: it reads [steps, numbers], a row at a time. pnnx drops all "
                "rows of a batch but the first, or walks over them as if they were steps"
            )
        )
    return Diagnosis(str(path), "ncnn", layers, doubts)


def lines(path: Path) -> Iterator[Line]:
    """Its layers; InputError for a file that is none of ncnn, or is its binary form."""
    size = path.stat().st_size
    raw = path.read_bytes() if size <= _LARGEST else b""
    try:
        head, *rest = raw.decode().split("\n")
    except UnicodeDecodeError:
        head, rest = "", []
    if head.strip() != _MAGIC or not rest:
        problem = _("{path}: expected ncnn's text form, which begins with {magic}")
        raise InputError(problem.format(path=path, magic=_MAGIC))
    for number, text in enumerate(rest[1:], 3):
        if not text.strip():
            continue
        try:
            kind, name, inputs, outputs, *words = text.split()
            taken, given = int(inputs), int(outputs)
            if min(taken, given) < 0 or taken + given > len(words):
                raise ValueError
            blobs, options = words[: taken + given], words[taken + given :]
            told = dict(option.split("=", 1) for option in options)
        except ValueError:
            problem = _("{path}: row {number}: expected a layer of ncnn, found {found!r}")
            raise InputError(problem.format(path=path, number=number, found=text[:60])) from None
        yield Line(kind, name, blobs[:taken], blobs[taken:], told)


def recurrent(line: Line) -> Recurrent | None:
    """What a line says of a GRU, LSTM or RNN whose h is as wide as its gates; None for another."""
    if line.kind not in CELLS or _number(line, "3") not in (0, _number(line, "0")):
        return None
    return _layer(line, set())[0]


def _layer(line: Line, used: set[str]) -> tuple[Recurrent, list[str]]:
    cell, doubts = CELLS[line.kind], []
    numbers = [_number(line, key) for key in ("0", "1", "2", "3")]
    if None in numbers or not 0 <= (numbers[2] or 0) < len(_DIRECTIONS):
        return Recurrent(line.name, cell, 0, 0, refused=_("its options are no numbers")), []
    units, weights, direction, before = (one or 0 for one in numbers)
    directions, hidden = 1 + (direction == 2), before or units
    rows = directions * GATES[cell] * hidden
    inputs = weights // rows if rows and weights % rows == 0 else 0
    if not inputs:
        problem = _("{name}: {weights} weights are those of no {cell} of {units} units")
        told = {"name": line.name, "weights": weights, "cell": line.kind, "units": hidden}
        doubts.append(problem.format(**told))
    if hidden != units:
        problem = _("{name}: a projection of h to {size}, which ONNX and Keras have no words for")
        doubts.append(problem.format(name=line.name, size=units))
    if cell == "rnn":
        problem = _("{name}: ncnn's RNN has tanh alone; of one with ReLU pnnx writes this too")
        doubts.append(problem.format(name=line.name))
    return (
        Recurrent(
            name=line.name,
            cell=cell,
            inputs=inputs,
            hidden=units,
            direction=_DIRECTIONS[direction],  # type: ignore[arg-type]
            reset="after" if cell == "gru" else "",
            activations=("tanh",) if cell == "rnn" else ("sigmoid", "tanh"),
            initial="given" if len(line.inputs) > 1 else "zeros",
            final=any(blob in used for blob in line.outputs[1:]) or len(line.outputs) > 1,
            free_time=True,
            precision="int8" if _number(line, "8") else "float32",
        ),
        doubts,
    )


def _number(line: Line, key: str) -> int | None:
    try:
        return int(line.options.get(key, "0"))
    except ValueError:
        return None
