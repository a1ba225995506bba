"""What the names and shapes of a safetensors file say of the recurrent layers in it.

The tensors themselves are not read. Names are torch.nn's, which PaddlePaddle and MindSpore use too:
`encoder.weight_ih_l0`, `encoder.weight_hh_l0_reverse`.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open

from gruta.errors import InputError
from gruta.exchange.doctor.finding import Diagnosis, Recurrent
from gruta.locale import translate as _

_NAME = re.compile(r"^(?P<module>.*?)weight_hh_l(?P<layer>\d+)$")
_CELLS = {3: "gru", 4: "lstm", 1: "rnn"}
_TYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}

Shapes = Mapping[str, tuple[tuple[int, ...], str]]


def examine(path: Path) -> Diagnosis:
    """InputError for a file that is none of safetensors."""
    shapes = _shapes(path)
    layers, doubts = [], []
    for name in sorted(shapes):
        if found := _NAME.match(name):
            layer, doubt = _layer(found["module"], found["layer"], shapes)
            layers.append(layer)
            doubts += doubt
    if any(layer.cell == "gru" for layer in layers):
        doubts.append(
            _(
                "the file does not say which reset form its GRUs have: torch.nn, PaddlePaddle and "
                "MindSpore have the one after the product"
            )
        )
    return Diagnosis(str(path), "safetensors", layers, doubts)


def _shapes(path: Path) -> Shapes:
    try:
        with safe_open(path, "numpy") as file:
            names = list(file.keys())
            slices = {name: file.get_slice(name) for name in names}
            return {n: (tuple(s.get_shape()), str(s.get_dtype())) for n, s in slices.items()}
    except (SafetensorError, TypeError, ValueError) as error:
        problem = _("{path}: expected a whole safetensors file of numbers ({error})")
        raise InputError(problem.format(path=path, error=error)) from error


def _layer(module: str, number: str, shapes: Shapes) -> tuple[Recurrent, list[str]]:
    """A layer, both directions of it, and what of it does not fit."""
    end = f"l{number}"
    (recurrent, kind), doubts = shapes[f"{module}weight_hh_{end}"], []
    rows, width = recurrent if len(recurrent) == 2 else (0, 0)
    hidden = (
        shapes[f"{module}weight_hr_{end}"][0][-1] if f"{module}weight_hr_{end}" in shapes else width
    )
    gates = rows // hidden if hidden and rows % hidden == 0 else 0
    name = f"{module}{end}"
    if gates not in _CELLS:
        problem = _("{name}: weight_hh of shape {shape} is of no GRU, LSTM or RNN")
        return Recurrent(
            name, "?", 0, hidden, refused=problem.format(name=name, shape=list(recurrent))
        ), []
    both = f"{module}weight_hh_{end}_reverse" in shapes
    inputs = shapes.get(f"{module}weight_ih_{end}", ((0, 0), ""))[0][-1]
    expected: dict[str, tuple[int, ...]] = {"weight_ih": (rows, inputs), "weight_hh": (rows, width)}
    bias = f"{module}bias_ih_{end}" in shapes
    if bias:
        expected |= {"bias_ih": (rows,), "bias_hh": (rows,)}
    for side in ("", "_reverse") if both else ("",):
        for weight, shape in expected.items():
            full = f"{module}{weight}_{end}{side}"
            found = shapes.get(full, (None, ""))[0]
            if found != shape:
                problem = _("{name}: expected the shape {expected}, found {found}")
                shown = _("nothing") if found is None else list(found)
                doubts.append(problem.format(name=full, expected=list(shape), found=shown))
    if width != hidden:
        doubts.append(
            _("{name}: a projection of h to {size}, which ONNX and Keras have no words for").format(
                name=name, size=width
            )
        )
    cell = _CELLS[gates]
    return Recurrent(
        name=name,
        cell=cell,
        inputs=inputs,
        hidden=hidden,
        direction="bidirectional" if both else "forward",
        bias=bias,
        free_batch=True,
        free_time=True,
        precision=_TYPES.get(kind, kind),
    ), doubts
