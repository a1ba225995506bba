"""Settings of a network as a model file has them: plain values, each looked at as it is read."""

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, get_args, get_origin

from gruta.locale import translate as _

A = TypeVar("A")

_MOST = 2**31 - 1


class Sized(NamedTuple):
    """Of a field of whole numbers: between which two."""

    least: int = 0
    most: int = _MOST


Positive = Annotated[int, Sized(1)]
Count = Annotated[int, Sized(1, 1000)]


def to_json(kind: type[Any], settings: Any) -> dict[str, Any]:
    """Of settings, or an architecture, what `from_json` reads."""
    return {one.name: getattr(settings, one.name) for one in fields(kind)}


def from_json(kind: type[A], content: Mapping[str, Any]) -> A:
    """An architecture of this kind, a frozen dataclass; ValueError names the field that is unknown,
    missing or of another kind.
    """
    own = {one.name: one for one in fields(kind)}  # type: ignore[arg-type]
    unknown, missing = sorted(content.keys() - own.keys()), sorted(own.keys() - content.keys())
    if unknown or missing:
        problem = _("architecture: unknown fields: {unknown}; missing fields: {missing}")
        none = _("none")
        raise ValueError(
            problem.format(unknown=", ".join(unknown) or none, missing=", ".join(missing) or none)
        )
    return kind(**{name: _read(name, content[name], one.type) for name, one in own.items()})


def _read(name: str, value: Any, kind: Any) -> Any:
    between = Sized()
    if get_origin(kind) is Annotated:
        kind, between = get_args(kind)
    found = _as(value, kind, between)
    if found is None:
        wanted = getattr(kind, "__name__", kind)
        if get_origin(kind) is Literal:
            wanted = ", ".join(map(str, get_args(kind)))
        elif kind is int:
            whole = _("a whole number from {least} to {most}")
            wanted = whole.format(least=between.least, most=between.most)
        problem = _("{name}: expected {kind}, found {value!r}")
        shown = value if len(repr(value)) < 60 else type(value).__name__
        raise ValueError(problem.format(name=f"architecture.{name}", kind=wanted, value=shown))
    return found


def _as(value: Any, kind: Any, between: Sized) -> Any:
    """The value as this kind has it; None where it is of another."""
    if get_origin(kind) is Literal:
        return value if isinstance(value, str) and value in get_args(kind) else None
    if get_origin(kind) is tuple:
        if not isinstance(value, list | tuple):
            return None
        found = [_as(one, get_args(kind)[0], between) for one in value]
        return None if None in found else tuple(found)
    if kind is bool:
        return value if isinstance(value, bool) else None
    if isinstance(value, bool):
        return None
    if kind is float:
        real = isinstance(value, int | float) and math.isfinite(value)
        return float(value) if real else None
    if kind is int:
        return value if isinstance(value, int) and between.least <= value <= between.most else None
    return value if kind is str and isinstance(value, str) else None
