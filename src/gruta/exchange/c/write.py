"""A trained network as C: which tasks there are, and what is written of them."""

from importlib import import_module
from typing import Any

from gruta.errors import InputError
from gruta.exchange.c.program import Program, require_name
from gruta.exchange.c.source import Weights, remark
from gruta.locale import translate as _
from gruta.runtime.file import COUNTED, Contents
from gruta.runtime.model import Model

KINDS = ("float32", "int8")
"""How weights are stored in C."""

TASKS = ("forecast", "classify", "generate", "transcribe")
"""Those that answer while something comes; each has a module of its name here."""


def program(contents: Contents, model: Model[Any], name: str) -> Program:
    """What a model file holds, and its model, as C whose names begin with `name`.

    InputError where the task or the network is none that can be asked step by step, or where
    weights are in 16 bits.
    """
    require_name(name)
    if contents.weights not in KINDS:
        problem = _("expected one of {known} in C, got {given!r}")
        told = {"known": ", ".join(KINDS), "given": contents.weights}
        raise InputError(weights=problem.format(**told))
    if contents.task not in TASKS:
        raise _refusal(contents.task, _why(contents.task))
    about = remark(_about(contents, model))
    made = Program(name, about, contents.version, contents.weights == "int8")
    own = {n: one for n, one in contents.tensors.items() if not n.startswith(COUNTED)}
    home = import_module(f"{__package__}.{contents.task}")
    try:
        home.compose(made, Weights(own), model)
    except InputError as error:
        raise _refusal(contents.task, str(error)) from error
    home.record(made, model)
    return made


def _refusal(task: str, why: str) -> InputError:
    problem = _("a network of the task {task} cannot be written in C like this: {why}")
    return InputError(to=problem.format(task=task, why=why))


def _why(task: str) -> str:
    """A task does not answer while something comes."""
    if task == "caption":
        return _("it looks at whole pictures, and searches for the best text")
    return _("it reads the whole first, and searches for the best answer")


def _about(contents: Contents, model: Model[Any]) -> str:
    """On one line: what it does, and of which model file it is."""
    s = model.settings
    size = f"{s.cell.upper()} of {s.hidden} units"
    return f"{contents.task}: {size}, {contents.weights} weights. Model {contents.checksum[:23]}."
