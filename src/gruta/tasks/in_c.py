"""A trained network as C, for devices without Python."""

from pathlib import Path
from typing import Any

from gruta.errors import InputError
from gruta.exchange.c.program import Program, name_of, require_name
from gruta.exchange.c.write import KINDS, program
from gruta.locale import translate as _
from gruta.runtime import file
from gruta.runtime.weights import Kind
from gruta.tasks.exporting import contents_of
from gruta.tasks.models import model_of
from gruta.tasks.trained import Trained


def in_c(trained: Trained[Any], out: Path, weights: Kind = "float32", name: str = "") -> Program:
    """Of which the files can be written into the folder `out`, whose name it has if it has none.

    InputError where the network cannot be written in C, or nothing can be written there.
    """
    if weights not in KINDS:
        problem = _("expected one of {known} in C, got {given!r}")
        raise InputError(weights=problem.format(known=", ".join(KINDS), given=weights))
    if (out.exists() and not out.is_dir()) or not out.absolute().parent.is_dir():
        problem = _("{path}: expected a folder, or a place for one")
        raise InputError(problem.format(path=out))
    name = require_name(name) if name else name_of(out.absolute().name)
    contents = file.parse(contents_of(trained, weights).to_bytes())
    return program(contents, model_of(contents.widened()), name)
