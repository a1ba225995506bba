"""What is tried of each setting: ranges and choices, as its field has them or a person says.

`LOW..HIGH`, `LOW..HIGH:log` or `a,b,c`; in a field `/4..*4` is about its default.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.settings import resolve
from gruta.settings.resolve import nearest


@dataclass(frozen=True)
class Range:
    """Numbers between two, both included."""

    low: float
    high: float
    log: bool
    whole: bool

    def suggest(self, trial: Any, name: str) -> Any:
        """One of them."""
        if self.whole:
            return trial.suggest_int(name, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(name, self.low, self.high, log=self.log)

    def has(self, value: Any) -> bool:
        """Whether it is one of them."""
        return bool(self.low <= value <= self.high)

    def __str__(self) -> str:
        return f"{self.low:g}..{self.high:g}" + (":log" if self.log else "")


@dataclass(frozen=True)
class Choice:
    """Some values."""

    values: tuple[Any, ...]

    def suggest(self, trial: Any, name: str) -> Any:
        """One of them."""
        return trial.suggest_categorical(name, list(self.values))

    def has(self, value: Any) -> bool:
        """Whether it is one of them."""
        return value in self.values

    def __str__(self) -> str:
        return ",".join(map(str, self.values))


Space = dict[str, Range | Choice]


def space_of(settings: BaseModel, given: Mapping[str, Any], asked: Sequence[str]) -> Space:
    """What is tried: what the task's settings have spaces for, but for those that were `given`, and
    what is `asked` for, as NAME or NAME=SPACE. InputError names one that does not fit.
    """
    model = type(settings)
    fields = model.model_fields
    found: Space = {}
    for name, field in fields.items():
        text = _about(field).get("space")
        if text and name not in given:
            found[name] = _parsed(name, text, settings)
    for one in asked:
        name, equals, text = one.partition("=")
        name = name.replace("-", "_")
        if name not in fields:
            problem = _("{name}: no such setting").format(name=name) + nearest(name, fields)
            raise InputError(space=problem)
        own = _about(fields[name])
        known = own.get("space") or own.get("range")
        if known is None:
            problem = _(
                "{name}: is the same in all trials, as it decides how they are trained or "
                "compared; set it by its own option"
            )
            raise InputError(space=problem.format(name=name))
        if name in given:
            problem = _("{name}: is set, and so is not tried; leave one of both out")
            raise InputError(space=problem.format(name=name))
        found[name] = _parsed(name, text if equals else known, settings)
    if not found:
        raise InputError(space=_("nothing is left to be tried; name settings"))
    return found


def _about(field: FieldInfo) -> dict[str, Any]:
    extra = field.json_schema_extra
    return dict(extra) if isinstance(extra, dict) else {}


def _parsed(name: str, text: str, settings: BaseModel) -> Range | Choice:
    """Of one setting; InputError where it cannot have such values."""
    model, default = type(settings), getattr(settings, name)
    numeric = isinstance(default, int | float) and not isinstance(default, bool)
    body, _colon, how = text.partition(":")
    low, dots, high = body.partition("..")
    try:
        if dots and numeric and how in ("", "log"):
            whole = isinstance(default, int)
            found: Any = Range(_bound(low, default), _bound(high, default), how == "log", whole)
            if whole:
                found = Range(max(round(found.low), 1), round(found.high), found.log, True)
            if not (found.low < found.high and (found.low > 0 or not found.log)):
                raise ValueError
            ends: list[Any] = [found.low, found.high]
        elif not dots and not how:
            ends = [part.strip() for part in body.split(",")]
            if not all(ends):
                raise ValueError
        else:
            raise ValueError
    except ValueError:
        problem = _("{name}: expected LOW..HIGH, LOW..HIGH:log or a,b,c, got {text!r}")
        raise InputError(space=problem.format(name=name, text=text)) from None
    try:
        values = [getattr(resolve(model, _with(settings, name, end)), name) for end in ends]
    except InputError as error:
        raise InputError(space=str(error)) from error
    return found if dots else Choice(tuple(values))


def _bound(text: str, default: float) -> float:
    if text.startswith("/"):
        return default / float(text[1:])
    if text.startswith("*"):
        return default * float(text[1:])
    return float(text)


def _with(settings: BaseModel, name: str, value: Any) -> dict[str, Any]:
    """The settings that a trial has, by those that were set, and this one."""
    given = {n: getattr(settings, n) for n in settings.model_fields_set}
    return given | {name: value}
