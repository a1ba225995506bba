"""Layers as a `.keras` file, a Sequential model that Keras loads, or as its weights alone."""

import json
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import Any

from gruta.exchange.keras.archive import CONFIG, WEIGHTS, snake
from gruta.exchange.keras.layers import CELLS, weights_of
from gruta.exchange.layer import Layer, stacked
from gruta.files import write_atomically

_CLASSES = {cell: name for name, cell in CELLS.items()}
_VERSION = "3.15.1"
"""Of Keras, with which the files were tried."""
_PIECE = 2**20
"""Bytes."""


def write(layers: Sequence[Layer], path: Path) -> None:
    """Write `pieces` to a file, whole or not at all."""
    write_atomically(path, b"".join(pieces(layers)))


def pieces(layers: Sequence[Layer]) -> Iterator[bytes]:
    """The bytes of a file of a model of these layers in turn, input `[B, T, I]`, output
    `[B, T, D*H]`; they are put together on the disk.

    InputError where a layer does not read what the one before it says.
    """
    import h5py

    config = model_config(layers)
    with TemporaryFile() as made:
        with TemporaryFile() as raw, zipfile.ZipFile(made, "w") as archive:
            with h5py.File(raw, "w") as file:
                _keep_all(file, layers)
            archive.writestr("metadata.json", json.dumps({"keras_version": _VERSION}))
            archive.writestr(CONFIG, json.dumps(config))
            raw.seek(0)
            with archive.open(WEIGHTS, "w", force_zip64=True) as member:
                copyfileobj(raw, member, _PIECE)
        made.seek(0)
        while piece := made.read(_PIECE):
            yield piece


def bare_pieces(layers: Sequence[Layer]) -> Iterator[bytes]:
    """The same of a `.weights.h5` file, which load_weights of a Sequential of these layers takes.

    InputError where a layer does not read what the one before it says.
    """
    import h5py

    with TemporaryFile() as raw:
        with h5py.File(raw, "w") as file:
            _keep_all(file, layers)
        raw.seek(0)
        while piece := raw.read(_PIECE):
            yield piece


def wanted(layers: Sequence[Layer]) -> list[str]:
    """Each layer as the model must have it that loads such weights, in Python."""
    return [_made(_one(layer, _name(layer, row))) for row, layer in stacked(layers)]


def _made(layer: dict[str, Any]) -> str:
    """A layer's configuration as the call that makes it."""
    kind, config = layer["class_name"], layer["config"]
    if kind == "Bidirectional":
        return f"Bidirectional({_made(config['layer'])})"
    given = ", ".join(f"{k}={v!r}" for k, v in config.items() if k not in _TOLD_ELSEWHERE)
    return f"{kind}({given})"


_TOLD_ELSEWHERE = "name", "go_backwards"


def _keep_all(file: Any, layers: Sequence[Layer]) -> None:
    file.create_group("vars").attrs["name"] = "gruta"
    file.create_group("layers/input_layer/vars").attrs["name"] = "x"
    used: dict[str, int] = {}
    for row, layer in stacked(layers):
        own = "bidirectional" if len(layer.sides) == 2 else snake(_CLASSES[layer.cell])
        used[own] = used.get(own, -1) + 1
        group = f"layers/{own}" + (f"_{used[own]}" if used[own] else "")
        _keep(file, group, layer, _name(layer, row))


def _name(layer: Layer, row: int) -> str:
    return layer.name or f"l{row}"


def _keep(file: Any, group: str, layer: Layer, name: str) -> None:
    both = len(layer.sides) == 2
    file.create_group(f"{group}/vars").attrs["name"] = name
    for side in layer.sides:
        inside = f"{'backward' if side.reverse else 'forward'}_layer/" if both else ""
        if both:
            file.create_group(f"{group}/{inside}vars").attrs["name"] = f"{name}_{inside[:-7]}"
        kept = file.create_group(f"{group}/{inside}cell/vars")
        for k, array in enumerate(weights_of(layer, side)):
            kept.create_dataset(str(k), data=array)


def model_config(layers: Sequence[Layer]) -> Any:
    """The model as Keras tells of it."""
    given = {"batch_shape": [None, None, layers[0].inputs], "dtype": "float32", "name": "x"}
    made = [{"module": "keras.layers", "class_name": "InputLayer", "config": given}]
    made += [_one(layer, _name(layer, row)) for row, layer in stacked(layers)]
    name = {"name": "gruta", "trainable": True, "layers": made}
    return {"module": "keras", "class_name": "Sequential", "config": name, "registered_name": None}


def _one(layer: Layer, name: str) -> dict[str, Any]:
    options: dict[str, Any] = {"units": layer.hidden, "return_sequences": True, "name": name}
    if layer.cell == "gru":
        options["reset_after"] = layer.reset_after
    options["activation"] = layer.nonlinearity if layer.cell == "rnn" else "tanh"
    if layer.cell != "rnn":
        options["recurrent_activation"] = "sigmoid"
    shape = {"input_shape": [None, None, layer.inputs]}
    own = _layer(_CLASSES[layer.cell], options, shape)
    if len(layer.sides) == 1:
        return own
    ways = {
        key: _layer(
            _CLASSES[layer.cell],
            options | {"name": f"{name}_{way}", "go_backwards": way == "backward"},
            shape,
        )
        for key, way in (("layer", "forward"), ("backward_layer", "backward"))
    }
    return _layer("Bidirectional", {"name": name, "merge_mode": "concat"} | ways, shape)


def _layer(kind: str, config: dict[str, Any], shape: dict[str, Any]) -> dict[str, Any]:
    said = {"module": "keras.layers", "class_name": kind, "config": config}
    return said | {"registered_name": None, "build_config": shape}
