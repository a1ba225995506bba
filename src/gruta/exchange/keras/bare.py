"""A `.weights.h5` file: weights alone, without what the layers do with them.

Shapes tell the cell and, by the bias, a GRU's reset form; what they do not tell is taken to be
Keras' default, and said.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gruta.errors import InputError
from gruta.exchange.keras.archive import (
    BROKEN,
    DEEPEST,
    LARGEST,
    WEIGHTS,
    Array,
    Kept,
    arrays,
    short,
    snake,
    within,
)
from gruta.exchange.keras.hdf5 import require_ends
from gruta.exchange.keras.layers import CELLS
from gruta.exchange.layer import GATES
from gruta.locale import translate as _
from gruta.locale.numbers import number

SUFFIX = ".weights.h5"

_DEFAULTS = {"activation": "tanh", "recurrent_activation": "sigmoid", "return_sequences": True}
_SIDES = "forward_layer", "backward_layer"


def is_bare(path: Path) -> bool:
    """Whether a file is one by its name."""
    return path.name.lower().endswith(SUFFIX)


def each(path: Path) -> Iterator[Kept]:
    """The recurrent layers one by one: those of a class as they are counted, classes in the order
    of the alphabet, as the file has no other. InputError for what is no such file.
    """
    import h5py

    try:
        size = path.stat().st_size
        if size > LARGEST[WEIGHTS]:
            problem = _("{path}: it has {size} bytes, more than {most}")
            told = {"size": number(size), "most": number(LARGEST[WEIGHTS])}
            raise InputError(problem.format(path=path, **told))
        with path.open("rb") as raw:
            require_ends(raw)
            with h5py.File(raw, "r") as file:
                if {"layer_names", "model_config"} & set(file.attrs):
                    problem = _(
                        "{path}: Keras 2 wrote it: load it into its model in Keras 3, and save "
                        "that as .keras"
                    )
                    raise InputError(problem.format(path=path))
                yield from _found(file, path)
    except BROKEN as error:
        if isinstance(error, InputError):
            raise
        problem = _(
            "{path}: it is no .weights.h5 file of Keras 3, or is cut short ({error}): save it anew"
        )
        raise InputError(problem.format(path=path, error=short(error))) from error


def _found(file: Any, path: Path) -> Iterator[Kept]:
    used: set[str] = set()
    for place, name in _places(file, "", "", {file}):
        title = place if name in used else name
        used.add(title)
        group = within(file, place)
        both = within(group, _SIDES[0]) is not None
        ways = [f"{side}/cell/vars" for side in _SIDES] if both else ["cell/vars"]
        if None in (kept := [within(group, way) for way in ways]):
            problem = _("{path}: {name}: no weights at {group}")
            missing = f"{place}/{ways[kept.index(None)]}"
            raise InputError(problem.format(path=path, name=title, group=missing))
        yield _kept(title, place, [arrays(one) for one in kept])


def _places(
    group: Any, place: str, name: str, seen: set[Any], depth: int = 0
) -> Iterator[tuple[str, str]]:
    """The group of each recurrent layer, and its name: that of its group with those of the models
    around it. The user's are strings of varying length, at which HDF5 can be made to walk in a
    circle for ever; they are not read.

    seen: what was looked into, so that nothing is twice.
    """
    if depth > DEEPEST:
        problem = _("models stand in one another more than {most} deep")
        raise InputError(problem.format(most=DEEPEST))
    for part in sorted(group, key=_counted):
        inside = within(group, part)
        if inside in seen or not hasattr(inside, "keys"):
            continue
        seen.add(inside)
        at = f"{place}/{part}" if place else part
        own = name if part == "layers" else f"{name}/{part}" if name else part
        if _is_recurrent(inside):
            yield at, own
        else:
            yield from _places(inside, at, own, seen, depth + 1)


def _counted(name: str) -> list[Any]:
    """gru, gru_2, gru_10."""
    return [int(one) if k % 2 else one for k, one in enumerate(re.split(r"(\d+)", name))]


def _is_recurrent(group: Any) -> bool:
    """Of one direction, or with such inside: a ConvLSTM's kernels have more axes."""
    cells = [within(group, f"{way}cell/vars/1") for way in ("", *(f"{one}/" for one in _SIDES))]
    return any(getattr(one, "ndim", 0) == 2 for one in cells)


def _kept(name: str, place: str, sides: list[list[Array]]) -> Kept:
    recurrent, bias = sides[0][1], sides[0][2:]
    kind = _said(place) or _kind(recurrent)
    after = {"reset_after": not bias or bias[0].ndim == 2} if kind == "GRU" else {}
    wrapped = {"merge_mode": "concat"} if len(sides) == 2 else None
    return Kept(name, kind, _DEFAULTS | after, wrapped, sides)


def _said(place: str) -> str | None:
    """The class that a group is called after, where it is."""
    own = re.sub(r"_\d+$", "", place.rpartition("layers/")[2])
    return next((kind for kind in CELLS if snake(kind) == own), None)


def _kind(recurrent: Array) -> str:
    """By the blocks of the recurrent kernel; where no cell has as many, `layer_of` says so."""
    rows, columns = recurrent.shape
    fit = (kind for kind, cell in CELLS.items() if columns == GATES[cell] * rows)
    return next(fit, "SimpleRNN")


def told(kept: Kept, settings: Mapping[str, Any]) -> Kept:
    """A layer with what its user says of it; InputError for what is none of Keras' settings that
    such a file leaves open.
    """
    known = _open(kept)
    if strange := ", ".join(map(repr, settings.keys() - known.keys())):
        problem = _("settings: {name}: expected some of {known}, got {found}")
        raise InputError(problem.format(name=kept.name, known=", ".join(known), found=strange))
    wrapped = kept.wrapped
    if wrapped is not None:
        wrapped = {**wrapped, **{k: v for k, v in settings.items() if k in wrapped}}
    return replace(kept, config={**kept.config, **settings}, wrapped=wrapped)


def _open(kept: Kept) -> dict[str, Any]:
    """The settings that the file does not say, as they are taken."""
    names = ["activation"] if kept.kind == "SimpleRNN" else ["activation", "recurrent_activation"]
    given = {name: kept.config[name] for name in names}
    if kept.kind == "GRU" and len(kept.sides[0]) == 2:
        given["reset_after"] = kept.config["reset_after"]
    return given | ({"go_backwards": False} if kept.wrapped is None else dict(kept.wrapped))


def assumed(kept: Kept, settings: Collection[str] = ()) -> str:
    """What the file does not say of a layer, and how it is taken; nothing of what its user says,
    and "" where that is all.
    """
    given = {name: value for name, value in _open(kept).items() if name not in settings}
    if not given:
        return ""
    told = ", ".join(f"{name}={value!r}" for name, value in given.items())
    problem = _("{name}: the file has weights alone; taken for a {kind} with {assumed}")
    return problem.format(name=kept.name, kind=kept.kind, assumed=told)
