"""A `.keras` file: a zip archive of config.json, which says what layers there are, and
model.weights.h5, which has their weights. Sizes are looked at before anything is read into memory.
"""

import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from gruta.errors import InputError
from gruta.exchange.keras.hdf5 import require_ends
from gruta.locale import translate as _
from gruta.locale.numbers import number

Array = NDArray[Any]
Config = Mapping[str, Any]

CONFIG, WEIGHTS = "config.json", "model.weights.h5"

LARGEST = {CONFIG: 2**26, WEIGHTS: 2**33}
"""Bytes of a member, unpacked."""

DEEPEST = 32
_PIECE = 2**20
"""Bytes."""

BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RuntimeError,  # a member that is encrypted, packed in another way, or JSON too deep
)


@dataclass(frozen=True, eq=False)
class Kept:
    """A recurrent layer as the file has it.

    name: the user's, with those of the models that it stands in. kind: its class. wrapped: the
    settings of a Bidirectional around it, None without. sides: kernel, recurrent kernel and, where
    there is one, bias, of each direction. fixed: B and T of its input, None for what is free.
    given_state: whether its first state is an input. masked: whether a mask comes to it. around:
    whether it is an RNN around a cell of this class.
    """

    name: str
    kind: str
    config: Config
    wrapped: Config | None
    sides: Sequence[Sequence[Array]]
    fixed: tuple[int | None, int | None] = (None, None)
    given_state: bool = False
    masked: bool = False
    around: bool = False


def read(path: Path) -> list[Kept]:
    """The recurrent layers in their order; InputError for what is no such file, or contradicts
    itself.
    """
    return list(each(path))


def each(path: Path) -> Iterator[Kept]:
    """The same one by one, so that the weights of one alone need be held."""
    return map(itemgetter(1), _opened(path))  # which holds none of them


def chain(path: Path) -> list[Kept]:
    """The same of a model that is nothing but recurrent layers, each of which reads the one before
    it and starts at zeros; InputError for any other.
    """
    found = list(_opened(path))
    kept = [own for _config, own in found]
    try:
        alone = bool(found) and _is_chain(found[0][0]["config"]["layers"], kept)
    except BROKEN:  # settings that only a chain must have
        alone = False
    if not alone:
        problem = _("{path}: only recurrent layers one behind the other, and no others, are run")
        raise InputError(problem.format(path=path))
    return kept


def _is_chain(layers: Sequence[Config], kept: Sequence[Kept]) -> bool:
    own = [one for one in layers if one["class_name"] != "InputLayer"]
    if not own or len(own) != len(kept) or any(one.given_state or one.masked for one in kept):
        return False
    read = [_read(one.get("inbound_nodes") or ()) for one in own[1:]]
    before = [{str(one["config"]["name"])} for one in own]
    return (
        all(_is_recurrent(one) or one["class_name"] == "Bidirectional" for one in own)
        and all(one <= name for one, name in zip(read, before, strict=False))
        and all(one.config.get("return_sequences") for one in kept[:-1])
    )


def _opened(path: Path) -> Iterator[tuple[Any, Kept]]:
    """The recurrent layers, each with the configuration of the whole."""
    import h5py

    try:
        with zipfile.ZipFile(path) as archive, TemporaryFile() as raw:
            with _member(archive, CONFIG, path) as opened:
                config = json.loads(opened.read(LARGEST[CONFIG]))
            with _member(archive, WEIGHTS, path) as opened:
                copyfileobj(opened, raw, _PIECE)  # h5py goes to and fro in it
            raw.seek(0)
            require_ends(raw)
            with h5py.File(raw, "r") as weights:
                for one in _recurrent(config):
                    yield config, _kept(one, weights, path)
    except BROKEN as error:
        if isinstance(error, InputError):
            raise
        problem = _("{path}: it is no .keras file, or is cut short ({error})")
        raise InputError(problem.format(path=path, error=short(error))) from error


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> IO[bytes]:
    """Opened; what is read of it ends where the archive says."""
    size = archive.getinfo(name).file_size
    if size > LARGEST[name]:
        problem = _("{path}: its {name} has {size} bytes, more than {most}")
        told = {"name": name, "size": number(size), "most": number(LARGEST[name])}
        raise InputError(problem.format(path=path, **told))
    return archive.open(name)


@dataclass(frozen=True)
class _Place:
    """A layer of the configuration, and the group that its weights are in."""

    name: str
    group: str
    config: Config
    wrapped: Config | None
    fixed: tuple[int | None, int | None]
    given_state: bool
    masked: bool


def _recurrent(
    config: Any, group: str = "", name: str = "", depth: int = 0, masked: bool = False
) -> Iterator[_Place]:
    """Of a model, in its order. A group is called after the layer's class, counted in its model.

    masked: whether what the model reads has a mask.
    """
    if depth > DEEPEST:
        problem = _("models stand in one another more than {most} deep")
        raise InputError(problem.format(most=DEEPEST))
    used: dict[str, int] = {}
    layers = config["config"].get("layers", ())
    masks = _masks(layers, masked)
    for layer in layers:
        own = snake(layer["class_name"])
        used[own] = used.get(own, -1) + 1
        place = f"{group}layers/{own}" + (f"_{used[own]}" if used[own] else "")
        said = layer["config"]
        title = f"{name}/{said['name']}" if name else str(said["name"])
        told = _fixed(layer), _given_state(layer), said["name"] in masks
        if "layers" in said:
            yield from _recurrent(layer, f"{place}/", title, depth + 1, told[2])
        elif layer["class_name"] == "Bidirectional" and _is_recurrent(said["layer"]):
            yield _Place(title, place, said["layer"], said, *told)
        elif _is_recurrent(layer):
            yield _Place(title, place, layer, None, *told)


def _masks(layers: Sequence[Config], masked: bool) -> set[str]:
    """The names of layers to which a mask comes, or that make one."""
    found: set[str] = set()
    before = ""
    for layer in layers:
        said = layer["config"]
        own, read = str(said["name"]), _read(layer.get("inbound_nodes") or ())
        makes = layer["class_name"] == "Masking" or bool(said.get("mask_zero"))
        first = masked and layer["class_name"] == "InputLayer"
        if makes or first or found & (read or {before}):
            found.add(own)
        before = own
    return found


def _read(value: Any) -> set[str]:
    """The layers that a call's first arguments come from."""
    if isinstance(value, Mapping) and value.get("class_name") == "__keras_tensor__":
        return {str(value["config"]["keras_history"][0])}
    inside = value.get("args", ()) if isinstance(value, Mapping) else value
    return {name for one in inside for name in _read(one)} if isinstance(inside, list) else set()


def _given_state(layer: Config) -> bool:
    calls = layer.get("inbound_nodes") or ()
    return any((one.get("kwargs") or {}).get("initial_state") for one in calls)


def _fixed(layer: Config) -> tuple[int | None, int | None]:
    built = layer.get("build_config") or {}
    shape = built.get("input_shape") or built.get("shapes_dict", {}).get("sequences_shape") or ()
    if len(shape) != 3:
        return None, None
    B, T = (int(size) if size else None for size in shape[:2])
    return B, T


_CLASSES = "GRU", "LSTM", "SimpleRNN"


def _is_recurrent(layer: Config) -> bool:
    """One of the three, or an RNN around the cell of one: they compute the same."""
    return layer["class_name"] in _CLASSES or _around(layer) in _CLASSES


def _around(layer: Config) -> str:
    """Of an RNN the class of its cell, without Cell."""
    if layer["class_name"] != "RNN" or not isinstance(cell := layer["config"].get("cell"), dict):
        return ""
    return str(cell.get("class_name")).removesuffix("Cell")


def unread(path: Path) -> list[tuple[str, str]]:
    """Name and class of each layer that is recurrent, and none of those that are read: an RNN of
    several cells or of another's, a convolution with memory, one in a wrapper. The path is of a
    file that was read.
    """
    with zipfile.ZipFile(path) as archive, _member(archive, CONFIG, path) as opened:
        return list(_unread(json.loads(opened.read(LARGEST[CONFIG]))))


def _unread(config: Any) -> Iterator[tuple[str, str]]:
    for layer in config["config"].get("layers", ()):
        said, kind = layer["config"], str(layer["class_name"])
        if "layers" in said:
            yield from _unread(layer)
            continue
        wrapped = said.get("layer") if kind == "Bidirectional" else None
        known = _is_recurrent(wrapped) if wrapped is not None else _is_recurrent(layer)
        if not known and (kind == "RNN" or kind.startswith("ConvLSTM") or _holds(said)):
            yield str(said["name"]), kind


def _holds(said: Any) -> bool:
    """Whether the settings name a layer or a cell of Keras' that is recurrent."""
    if isinstance(said, list):
        return any(map(_holds, said))
    if not isinstance(said, Mapping):
        return False
    own = str(said.get("class_name")).removesuffix("Cell")
    return own in (*_CLASSES, "RNN") or any(map(_holds, said.values()))


def _kept(place: _Place, weights: Any, path: Path) -> Kept:
    sides = ("forward_layer/", "backward_layer/") if place.wrapped is not None else ("",)
    found = []
    for side in sides:
        group = f"{place.group}/{side}cell/vars"
        kept = within(weights, group)
        if kept is None:
            problem = _("{path}: {name}: no weights at {group}")
            raise InputError(problem.format(path=path, name=place.name, group=group))
        found.append(arrays(kept))
    kind, config = place.config["class_name"], place.config["config"]
    if around := _around(place.config):
        kind, config = around, config["cell"]["config"] | config
    return Kept(
        place.name,
        kind,
        config,
        place.wrapped,
        found,
        place.fixed,
        place.given_state,
        place.masked,
        bool(around),
    )


def short(error: Exception) -> str:
    """What it says, in a line: zipfile's may quote half the file."""
    return " ".join(str(error).split())[:300]


def within(place: Any, group: str) -> Any:
    """What stands there in a file of HDF5, None where nothing does: links to elsewhere, which may
    be another file, are not followed.
    """
    import h5py

    for part in group.split("/"):
        if not isinstance(place, h5py.Group):
            return None
        if not isinstance(place.get(part, getlink=True), h5py.HardLink):
            return None
        place = place[part]
    return place


def arrays(group: Any) -> list[Array]:
    """Kernel, recurrent kernel and, where there is one, bias; ValueError for what Keras writes
    nowhere: other numbers, some that lie outside the file, or fewer than it says it has.
    """
    import h5py

    if not isinstance(group, h5py.Group) or len(group) not in (2, 3):
        raise ValueError(_("expected two or three weights in a recurrent layer"))
    found = []
    for k in range(len(group)):
        one = within(group, str(k))
        if not isinstance(one, h5py.Dataset) or not _is_whole(one):
            raise ValueError(_("expected weights that lie whole in the file"))
        if one.dtype.kind != "f":
            raise ValueError(_("expected weights that are floating-point numbers"))
        found.append(np.asarray(one))
    return found


def _is_whole(data: Any) -> bool:
    """Whether it is as large in the file as in memory, and in no other file."""
    stored = min(data.id.get_storage_size(), data.file.id.get_filesize())
    return not data.external and not data.is_virtual and stored >= data.nbytes


def snake(name: str) -> str:
    """A class's name as Keras writes it in a file: SimpleRNN is simple_rnn."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
