"""Command-line options made from a settings model: each is declared once, there."""

import inspect
import itertools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.settings import ReadingSettings
from gruta.tasks.commands import Asking, Command
from gruta.tasks.task import Task

F = TypeVar("F", bound=Callable[..., Any])


def source_of(task: Task[Any]) -> Any:
    """The argument that says what a task learns from: a path, or several."""
    shown = typer.Argument(metavar=task.input.metavar, help=_(task.input.help), show_default=False)
    kind: Any = list[Path] if task.input.many else Path
    return Annotated[kind, shown]


def with_settings(model: type[BaseModel]) -> Callable[[F], F]:
    """Give a command an option for each field of `model`; those of no panel are the training's.

    The command's last parameter, `given`, receives those that were set, as a dict.
    """
    return _with(
        [_parameter(name, field, _("Training")) for name, field in model.model_fields.items()]
    )


def with_options_of(
    tasks: Iterable[Task[Any]], *verbs: str, reads: bool = True
) -> Callable[[F], F]:
    """Give a command all options that tasks have for these verbs, each task's under its name, and
    those that say how the input is read, if there is any.
    """
    found: dict[str, inspect.Parameter] = {}
    for task, verb in itertools.product(tasks, verbs):
        for name, field in getattr(task.options, verb).model_fields.items():
            found.setdefault(name, _parameter(name, field, task.name))
    for name, field in ReadingSettings.model_fields.items() if reads else ():
        found[name] = _parameter(name, field, "", shown=_("as in training"))
    return _with(list(found.values()))


def with_own_options(own: Command | Asking) -> Callable[[F], F]:
    """Give a command its own options and, if it trains, all settings of the task, else those that
    say how the input is read.
    """
    found = [_parameter(n, f, _("Options")) for n, f in own.options.model_fields.items()]
    if own.trains:
        settings = own.task.settings.model_fields.items()
        return _with(found + [_parameter(name, field, _("Training")) for name, field in settings])
    reading = ReadingSettings.model_fields.items()
    return _with(found + [_parameter(n, f, "", shown=_("as in training")) for n, f in reading])


def _with(options: list[inspect.Parameter]) -> Callable[[F], F]:
    def decorate(command: F) -> F:
        own = [p for name, p in inspect.signature(command).parameters.items() if name != "given"]

        def with_options(**values: Any) -> Any:
            taken = {option.name: values.pop(option.name) for option in options}
            given = {name: value for name, value in taken.items() if value is not None}
            return command(**values, given=given)

        parameters = [*own, *options]
        with_options.__doc__ = command.__doc__
        with_options.__name__ = command.__name__
        with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        with_options.__annotations__ = {p.name: p.annotation for p in parameters}
        return with_options  # type: ignore[return-value]

    return decorate


def _written(default: Any) -> str:
    """A default as the reader's language writes it; whole numbers as they are typed."""
    return number(default) if isinstance(default, float) else str(default)


def _parameter(name: str, field: FieldInfo, panel: str, shown: str = "") -> inspect.Parameter:
    default, extra = field.default, field.json_schema_extra
    about: dict[str, Any] = dict(extra) if isinstance(extra, dict) else {}
    many = isinstance(default, tuple)
    value = "; ".join(map(_written, default)) or _("none") if many else _written(default)
    kind: Any = get_args(field.annotation)[0] if many else field.annotation
    flag = f"--{name.replace('_', '-')}"
    if kind in (bool, bool | None):
        flag += f"/--no-{name.replace('_', '-')}"
    option = typer.Option(
        about.get("flag", flag),
        metavar=about.get("metavar"),
        help=_(field.description or "") + (" " + _("May be given several times.") if many else ""),
        show_default=_(about["shown"]) if "shown" in about else shown or value,
        rich_help_panel=_(about["panel"]) if "panel" in about else panel,
    )
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[(list[kind] if many else kind) | None, option],
    )
