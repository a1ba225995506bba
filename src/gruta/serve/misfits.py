"""From what a client sends to a question, and what is said where it does not fit."""

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, from_json

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.settings.resolve import misfit
from gruta.tasks.served import BINARY, NUMBERS

Q = TypeVar("Q", bound=BaseModel)

_TAGS = {BINARY, NUMBERS, "str", "int", "float", "constrained-int"}
"""Ends of a place that tell which of several types was tried."""


def parsed(raw: str | bytes) -> Any:
    """Strict JSON: without NaN, and not deeper than a parser bears."""
    try:
        return from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise InputError(_("expected JSON ({error})").format(error=error)) from None


def fitted(question: type[Q], given: Any) -> Q:
    """The question that this is; InputError names the field that does not fit."""
    if not isinstance(given, dict):
        raise InputError(_("expected an object, got {kind}").format(kind=type(given).__name__))
    try:
        return question.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InputError(**{_place(first["loc"]): _problem(first)}) from None


def _place(loc: Sequence[int | str]) -> str:
    """Such as cases[3].target[5]."""
    parts = [part for i, part in enumerate(loc) if not (i and part in _TAGS)]
    told = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return told.removeprefix(".") or "body"


_KINDS = {"int": int, "float": float, "bool": bool, "string": str}
_MOST = 200
"""Letters of a message: it may quote what came."""


def _problem(error: ErrorDetails) -> str:
    kind, ctx = error["type"], error.get("ctx", {})
    if kind == "missing":
        return _("is missing")
    if kind == "extra_forbidden":
        return _("no such field")
    if kind.endswith(("too_long", "too_short")):
        bound = number(ctx.get("max_length", ctx.get("min_length")))
        most = _("expected at most {bound} items or letters")
        least = _("expected at least {bound} items or letters")
        return (most if kind.endswith("long") else least).format(bound=bound)
    if kind == "literal_error":
        problem = _("expected one of {known}, got {name!r}")
        return problem.format(known=ctx["expected"], name=error["input"])[:_MOST]
    first = kind.partition("_")[0]
    if first in _KINDS or first in ("greater", "less", "finite"):
        return misfit(_KINDS.get(first, float), error)[:_MOST]
    named = {"list": _("a list"), "dict": _("an object"), "model": _("an object")}
    problem = _("expected {kind}, got {value!r}")
    known = named.get(first, _("something else"))
    return problem.format(kind=known, value=error["input"])[:_MOST]
