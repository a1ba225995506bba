"""From values that a person gives to settings, and what is said of those that do not fit."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number

S = TypeVar("S", bound=BaseModel)


def resolve(model: type[S], given: dict[str, Any]) -> S:
    """The settings `model` with these values; InputError names each one that does not fit."""
    try:
        return model(**given)
    except ValidationError as error:
        found: dict[str, str] = {}
        for e in error.errors(include_url=False):
            for name, problem in _problems(model, e).items():
                found.setdefault(name, problem)
        raise InputError(**found) from None


def least(model: type[S], wanted: dict[str, Any]) -> dict[str, Any]:
    """The fewest of these values from which the others follow as defaults.

    A default may depend on another setting: one after the other is left out, if all is then as it
    was.
    """
    whole = resolve(model, wanted)
    fields = model.model_fields
    given = {n: value for n, value in whole if value != fields[n].default}
    for name, value in whole:  # a default of its own, where another setting has no such one
        try:
            if resolve(model, given) == whole:
                break
        except InputError:
            pass
        given.setdefault(name, value)
    for name in list(given):
        rest = {n: value for n, value in given.items() if n != name}
        try:
            given = rest if resolve(model, rest) == whole else given
        except InputError:
            continue
    return given


def _problems(model: type[BaseModel], error: ErrorDetails) -> dict[str, str]:
    """What is wrong, by the name of the setting; several settings that disagree tell themselves."""
    own = error.get("ctx", {}).get("error")
    if isinstance(own, InputError):
        return own.problems
    name, *inside = map(str, error["loc"])
    if name not in model.model_fields:
        return {name: _("no such setting") + nearest(name, model.model_fields)}
    kind = model.model_fields[name].annotation
    for _place in inside:
        kind = get_args(kind)[0]
    if isinstance(own, ValueError):
        return {name: _got(str(own), error)}
    return {name: misfit(kind, error)}


def misfit(kind: Any, error: ErrorDetails) -> str:
    """What pydantic found wrong with a value of this type, in our words."""
    return _got(_("expected {kind}").format(kind=_within(_meaning(kind), error)), error)


def _got(expected: str, error: ErrorDetails) -> str:
    """What was expected, beside what came."""
    return _("{expected}, got {value}").format(expected=expected, value=repr(error["input"]))


def _meaning(kind: Any) -> str:
    """What a type admits."""
    if get_origin(kind) is Literal:
        return _("one of {values}").format(values=", ".join(map(str, get_args(kind))))
    if get_origin(kind) is tuple:
        return _("a list, each item {kind}").format(kind=_meaning(get_args(kind)[0]))
    names = {
        int: _("a whole number"),
        float: _("a number"),
        bool: _("true or false"),
        str: _("a text"),
    }
    return names.get(kind) or str(getattr(kind, "__name__", kind))


def _within(kind: str, error: ErrorDetails) -> str:
    """The bound that was passed, beside the kind."""
    bounds = {
        "greater_than": ("gt", _("{kind} above {bound}")),
        "greater_than_equal": ("ge", _("{kind} of at least {bound}")),
        "less_than": ("lt", _("{kind} below {bound}")),
        "less_than_equal": ("le", _("{kind} of at most {bound}")),
    }
    if error["type"] not in bounds:
        return kind
    bound, text = bounds[error["type"]]
    return text.format(kind=kind, bound=number(error["ctx"][bound]))


def nearest(name: str, names: Iterable[str]) -> str:
    """A question for the right name, to end a message with; "" where none is near."""
    found = get_close_matches(name, names, 1)
    return _("; did you mean {name}?").format(name=found[0]) if found else ""
