"""A model of torch.nn: its state dict as a safetensors file, and a small description in JSON.

`rnn.safetensors` is described by `rnn.json` beside it:

    {"cell": "gru", "layers": "encoder", "embedding": "embedding.weight", "output": "fc",
     "units": {"kind": "characters", "list": ["a", "b"]}, "columns": ["x", "y"],
     "reset_after": true, "nonlinearity": "tanh"}

cell and layers, the recurrent module's name, are told by the weights where they are left out;
embedding, output, units and columns are there for who has them.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, deserialize

from gruta.errors import InputError
from gruta.lab.sizes import require_readable
from gruta.locale import translate as _
from gruta.tasks.portrait import Kind, Linear, Portrait, Vocabulary, stack

SUFFIX = ".safetensors"
Weights = Mapping[str, NDArray[Any]]

_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
_RECURRENT = re.compile(r"(weight|bias)_(ih|hh|hr)_l\d+(_reverse)?")
_FIRST = "weight_hh_l0"
_CELLS = {3: "gru", 4: "lstm", 1: "rnn"}


class Units(BaseModel):
    """Of a text: `list[k]` has the number k + first."""

    model_config = ConfigDict(extra="forbid")
    kind: Kind = "characters"
    list: tuple[str, ...]
    first: int = 0
    unknown: int = 0


class Description(BaseModel):
    """What the file beside says."""

    model_config = ConfigDict(extra="forbid")
    cell: str = Field("", pattern="^(gru|lstm|rnn|)$")
    layers: str = ""
    embedding: str = ""
    output: str = ""
    units: Units | None = None
    columns: tuple[str, ...] = ()
    reset_after: bool = True
    nonlinearity: str = Field("tanh", pattern="^(tanh|relu)$")


def portrait(path: Path) -> Portrait:
    """Of the file; InputError where it holds no recurrent layers, or other than are described."""
    require_readable(path)
    about = _description(path.with_suffix(".json"))
    tensors = _tensors(path)
    names = sorted(tensors)
    module = about.layers or _only_module(names)
    weights = _weights(path, tensors, module, about)
    try:
        layers = stack(weights, module)
        rows, hidden = layers[0].w_hh.shape
        cell = about.cell or _CELLS[rows // hidden]
    except (IndexError, KeyError, ValueError, ZeroDivisionError):
        raise InputError(_not_recurrent(path, names)) from None
    if any("weight_hr_l" in name for name in weights):
        raise InputError(_not_recurrent(path, names))
    embedding = None
    if about.embedding:
        embedding = _named(path, names, weights, about.embedding, "embedding")
    output = None
    if about.output:
        weight = _named(path, names, weights, f"{about.output}.weight", "output")
        bias = weights.get(f"{about.output}.bias", np.zeros(len(weight), np.float32))
        output = Linear(weight, bias)
    found = Portrait(
        cell,
        layers,
        embedding=embedding,
        output=output,
        vocabulary=None if about.units is None else _vocabulary(about.units),
        columns=lambda: about.columns or _numbered(layers[0].inputs),
        reset_after=about.reset_after,
        nonlinearity="relu" if about.nonlinearity == "relu" else "tanh",
    )
    _require_fitting(path, found)
    return found


def _description(path: Path) -> Description:
    if not path.is_file():
        return Description()  # type: ignore[call-arg]
    require_readable(path)
    try:
        return Description.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(
            _("{path}: {place}: {problem}").format(path=path, place=place, problem=first["msg"])
        ) from None


def _tensors(path: Path) -> dict[str, Any]:
    try:
        return dict(deserialize(path.read_bytes()))  # type: ignore[no-untyped-call]
    except (SafetensorError, TypeError, ValueError) as error:
        problem = _("{path}: expected a whole safetensors file of numbers ({error})")
        raise InputError(problem.format(path=path, error=error)) from error


def _only_module(names: Sequence[str]) -> str:
    """The recurrent module's name, where there is one alone."""
    found = [name.removesuffix(_FIRST) for name in names if name.endswith(_FIRST)]
    return found[0].removesuffix(".") if len(found) == 1 else ""


def _weights(
    path: Path, tensors: Mapping[str, Any], module: str, about: Description
) -> dict[str, NDArray[Any]]:
    """What of a file is the module's, or is described: that of a large model may hold much else,
    and in types that NumPy has not.
    """
    start = f"{module}." if module else ""
    named = {about.embedding, f"{about.output}.weight", f"{about.output}.bias"}
    wanted = {
        name: one
        for name, one in tensors.items()
        if name in named or (name.startswith(start) and _RECURRENT.fullmatch(name[len(start) :]))
    }
    for name, one in wanted.items():
        if one["dtype"] not in _TYPES:
            problem = _("{path}: {name}: expected numbers in {known}, got {found}; save it as F32")
            told = {"known": ", ".join(_TYPES), "found": one["dtype"]}
            raise InputError(problem.format(path=path, name=name, **told))
    found = {name: _array(one) for name, one in wanted.items()}
    for name, array in found.items():
        if not np.isfinite(array).all():
            problem = _("{path}: {name}: not all of its numbers are finite; the training diverged")
            raise InputError(problem.format(path=path, name=name))
    return found


def _array(stored: Mapping[str, Any]) -> NDArray[Any]:
    found = np.frombuffer(stored["data"], _TYPES[stored["dtype"]]).reshape(stored["shape"])
    if stored["dtype"] == "BF16":
        return (found.astype(np.uint32) << 16).view(np.float32)
    return found.astype(np.float32)


def _not_recurrent(path: Path, names: Sequence[str]) -> str:
    problem = _(
        "{path}: expected weights weight_ih_l0, weight_hh_l0 … of a torch.nn.GRU, LSTM or RNN "
        "without projection, found {found}; name the module as layers in {description}"
    )
    told = ", ".join(names[:8]) or _("nothing")
    return problem.format(path=path, found=told, description=path.with_suffix(".json").name)


def _named(
    path: Path, names: Sequence[str], weights: Weights, name: str, field: str
) -> NDArray[Any]:
    if name not in weights:
        problem = _("{path}: {field}: no weight {name}, but {found}")
        told = ", ".join(names[:8])
        raise InputError(problem.format(path=path, field=field, name=name, found=told))
    return weights[name]


def _vocabulary(units: Units) -> Vocabulary:
    known = {one: k + units.first for k, one in enumerate(units.list)}

    def read(text: str) -> tuple[NDArray[np.int64], list[str]]:
        parts = list(text) if units.kind == "characters" else text.split()
        return np.array([known.get(one, units.unknown) for one in parts], np.int64), parts

    return Vocabulary(units.kind, units.list, read, first=units.first, unknown=units.unknown)


def _numbered(count: int) -> list[str]:
    return [f"x{k + 1}" for k in range(count)]


def _require_fitting(path: Path, found: Portrait) -> None:
    """InputError where shapes do not go together."""
    hidden = found.layers[0].hidden
    rows = next((n for n, cell in _CELLS.items() if cell == found.cell), 0)
    directions = 2 if any(layer.reverse for layer in found.layers) else 1
    wide = found.layers[0].inputs
    fits = [
        found.embedding is None or found.embedding.shape[1:] == (wide,),
        found.output is None or found.output.weight.shape[1:] == (directions * hidden,),
        found.embedding is not None or len(found.columns()) == wide,
    ]
    for k, layer in enumerate(found.layers):
        read = wide if k < directions else directions * hidden
        fits.append(layer.w_ih.shape == (rows * hidden, read))
        fits.append(layer.w_hh.shape == (rows * hidden, hidden))
        fits += [b is None or b.shape == (rows * hidden,) for b in (layer.b_ih, layer.b_hh)]
    if not all(fits):
        problem = _("{path}: shapes do not go together as those of a {cell} of {hidden} units")
        raise InputError(problem.format(path=path, cell=found.cell.upper(), hidden=hidden))
