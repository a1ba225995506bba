"""A trained network as a model file, which is asked without PyTorch."""

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runtime import architecture, file
from gruta.runtime.file import COUNTED, Contents
from gruta.runtime.weights import KINDS, Kind, as_stored, plain
from gruta.tasks.models import door_of
from gruta.tasks.trained import Trained


def contents_of(trained: Trained[Any], weights: Kind = "float32") -> Contents:
    """What a model file of it holds.

    weights: how its matrices are stored; a model inside stays as it is. Nothing of the training is
    in it: no path, no setting but those that the head goes by.
    """
    if weights not in KINDS:
        known = ", ".join(KINDS)
        problem = _("expected one of {known}, got {given!r}")
        raise InputError(weights=problem.format(known=known, given=weights))
    door = door_of(trained.task.name)
    stored = as_stored(trained.weights, weights, door.exact)
    counted = {COUNTED + name: plain(array) for name, array in trained.counted.items()}
    return Contents(
        trained.task.name,
        weights,
        architecture.to_json(door.architecture, trained.settings),
        trained.codec.to_json(),
        door.units(trained.codec),
        stored | counted,
        version("gruta"),
        inner=trained.inner,
    )


def export(trained: Trained[Any], path: Path, weights: Kind = "float32") -> int:
    """Write it; how many bytes that are. InputError where it would be too large to read again."""
    contents = contents_of(trained, weights)
    require_directory(path)
    try:
        return len(file.save(path, contents))
    except ValueError as error:
        problem = _("{path}: the run is too large for a model file: {error}")
        raise InputError(problem.format(path=path, error=error)) from error


def require_directory(path: Path) -> None:
    """InputError where there is none to write this file into."""
    if not path.parent.is_dir():
        problem = _("{path}: expected a directory to write {name} into")
        raise InputError(problem.format(path=path.parent, name=path.name))


def size_of(trained: Trained[Any], weights: Kind = "float32") -> int:
    """How many bytes such a file has."""
    return len(contents_of(trained, weights).to_bytes())


def rounded(trained: Trained[Any], weights: Kind, *, widened: bool = False) -> Mapping[str, Any]:
    """The weights as a model file of this kind computes by them; widened: in single precision all
    the same.
    """
    contents = contents_of(trained, weights)
    return (contents.widened() if widened else contents).network
