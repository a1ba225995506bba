"""What the names and shapes of a safetensors file say of the recurrent layers in it.

The tensors themselves are not read. Names are torch.nn's, which PaddlePaddle and MindSpore use too:
`encoder.weight_ih_l0`, `encoder.weight_hh_l0_reverse`; those of cells, `weight_ih`, and of weights
that are made of others as the layer runs: `encoder.parametrizations.weight_hh_l0.original1`.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open

from gruta.errors import InputError
from gruta.exchange.doctor.finding import Diagnosis, Recurrent
from gruta.locale import translate as _

_NAME = re.compile(r"^(?P<module>.*?)weight_hh_l(?P<layer>\d+)$")
_OWN = r"(?P<own>(?:weight|bias)_(?:ih|hh|hr)(?:_l\d+(?:_reverse)?)?)"
_MADE = [
    re.compile(rf"^(?P<module>.*?)parametrizations\.{_OWN}\.original[1]?$"),  # 0 is a norm's size
    re.compile(rf"^(?P<module>.*?){_OWN}_orig$"),  # pruning's, and the older spectral norm's
    re.compile(rf"^(?P<module>.*?){_OWN}_v$"),  # the older weight norm's
]
"""What a weight is made of that has its shape."""

_CELLS = {3: "gru", 4: "lstm", 1: "rnn"}
_TYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}

Shapes = Mapping[str, tuple[tuple[int, ...], str]]


def examine(path: Path) -> Diagnosis:
    """InputError for a file that is none of safetensors."""
    given = _shapes(path)
    shapes, made = _whole(given)
    layers, doubts = [], []
    for name in sorted(shapes):
        if found := _NAME.match(name):
            layer, doubt = _layer(found["module"], f"l{found['layer']}", shapes)
            layers.append(layer)
            doubts += doubt
        elif name.endswith("weight_hh") and f"{name[:-2]}ih" in shapes:
            layer, doubt = _layer(name.removesuffix("weight_hh"), "", shapes)
            layers.append(layer)
            problem = _("{name}: a cell is one step: feed it step by step, its state handed on")
            doubts += [*doubt, problem.format(name=layer.name)]
    doubts += [
        _("{name}: it is made of other tensors as the layer runs (weight norm, pruning)").format(
            name=name
        )
        for name in made
    ]
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


def _whole(given: Shapes) -> tuple[Shapes, list[str]]:
    """The shapes with those of weights that are made of others, and the names of these."""
    shapes, made = dict(given), []
    for pattern in _MADE:
        for name in sorted(given):
            found = pattern.match(name)
            own = found["module"] + found["own"] if found else ""
            if own and own not in shapes:
                shapes[own] = given[name]
                made.append(own)
    return shapes, made


def _layer(module: str, end: str, shapes: Shapes) -> tuple[Recurrent, list[str]]:
    """A layer, both directions of it, and what of it does not fit."""
    part = f"_{end}" if end else ""
    (recurrent, kind), doubts = shapes[f"{module}weight_hh{part}"], []
    rows, width = recurrent if len(recurrent) == 2 else (0, 0)
    hidden = _last(shapes, f"{module}weight_hr{part}", width)
    gates = rows // hidden if hidden and rows % hidden == 0 else 0
    name = f"{module}{end}".rstrip(".") or "."
    if gates not in _CELLS:
        problem = _("{name}: weight_hh of shape {shape} is of no GRU, LSTM or RNN")
        return Recurrent(
            name, "?", 0, hidden, refused=problem.format(name=name, shape=list(recurrent))
        ), []
    both = f"{module}weight_hh{part}_reverse" in shapes
    inputs = _last(shapes, f"{module}weight_ih{part}", 0)
    expected: dict[str, tuple[int, ...]] = {"weight_ih": (rows, inputs), "weight_hh": (rows, width)}
    bias = f"{module}bias_ih{part}" in shapes
    if bias:
        expected |= {"bias_ih": (rows,), "bias_hh": (rows,)}
    for side in ("", "_reverse") if both else ("",):
        for weight, shape in expected.items():
            full = f"{module}{weight}{part}{side}"
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
        initial="untold",
        free_batch=True,
        free_time=True,
        precision=_TYPES.get(kind, kind),
    ), doubts


def _last(shapes: Shapes, name: str, otherwise: int) -> int:
    """The last size of a tensor that is there and has axes."""
    shape = shapes.get(name, ((), ""))[0]
    return shape[-1] if shape else otherwise
