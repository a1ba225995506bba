"""A model of torch.nn: its state dict as a safetensors file, and a small description in JSON.

`rnn.safetensors` is described by `rnn.json` beside it:

    {"cell": "gru", "layers": "encoder", "embedding": "embedding.weight", "output": "fc",
     "units": {"kind": "characters", "list": ["a", "b"]}, "columns": ["x", "y"],
     "reset_after": true, "nonlinearity": "tanh"}

cell is told by the weights where it is left out, layers ("") is the recurrent module's name;
embedding, output, units and columns are there for who has them.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open

from gruta.errors import InputError
from gruta.lab.sizes import require_readable
from gruta.locale import translate as _
from gruta.tasks.portrait import Kind, Linear, Portrait, Vocabulary, stack

SUFFIX = ".safetensors"
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
    weights = _weights(path)
    try:
        layers = stack(weights, about.layers)
        rows, hidden = layers[0].w_hh.shape
        cell = about.cell or _CELLS[rows // hidden]
    except (IndexError, KeyError, ValueError, ZeroDivisionError):
        raise InputError(_not_recurrent(path, weights)) from None
    if any("weight_hr_l" in name for name in weights):
        raise InputError(_not_recurrent(path, weights))
    embedding = _named(path, weights, about.embedding, "embedding") if about.embedding else None
    output = None
    if about.output:
        weight = _named(path, weights, f"{about.output}.weight", "output")
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


def _weights(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with safe_open(path, "numpy") as file:
            found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, json.JSONDecodeError, TypeError, ValueError) as error:
        raise InputError(
            _("{path}: expected a whole safetensors file of numbers ({error})").format(
                path=path, error=error
            )
        ) from error
    return {name: w.astype(np.float32) for name, w in found.items() if w.dtype.kind == "f"}


def _not_recurrent(path: Path, weights: Mapping[str, Any]) -> str:
    problem = _(
        "{path}: expected weights weight_ih_l0, weight_hh_l0 … of a torch.nn.GRU, LSTM or RNN "
        "without projection, found {found}; name the module as layers in {description}"
    )
    told = ", ".join(sorted(weights)[:8])
    return problem.format(path=path, found=told, description=path.with_suffix(".json").name)


def _named(path: Path, weights: Mapping[str, Any], name: str, field: str) -> NDArray[Any]:
    if name not in weights:
        problem = _("{path}: {field}: no weight {name}, but {found}")
        told = ", ".join(sorted(weights)[:8])
        raise InputError(problem.format(path=path, field=field, name=name, found=told))
    found: NDArray[Any] = weights[name]
    return found


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
