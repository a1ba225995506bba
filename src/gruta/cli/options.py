"""Command-line options made from a settings model: each is declared once, there."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any, TypeVar, get_args

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gruta.locale import translate as _

F = TypeVar("F", bound=Callable[..., Any])


def with_settings(model: type[BaseModel]) -> Callable[[F], F]:
    """Give a command an option for each field of `model`.

    The command's last parameter, `given`, receives those that were set, as a dict.
    """

    def decorate(command: F) -> F:
        own = [p for name, p in inspect.signature(command).parameters.items() if name != "given"]
        fields = [_parameter(name, field) for name, field in model.model_fields.items()]

        def with_options(**values: Any) -> Any:
            options = {name: values.pop(name) for name in model.model_fields}
            given = {name: value for name, value in options.items() if value is not None}
            return command(**values, given=given)

        with_options.__doc__ = command.__doc__
        with_options.__name__ = command.__name__
        with_options.__signature__ = inspect.Signature([*own, *fields])  # type: ignore[attr-defined]
        with_options.__annotations__ = {p.name: p.annotation for p in [*own, *fields]}
        return with_options  # type: ignore[return-value]

    return decorate


def _parameter(name: str, field: FieldInfo) -> inspect.Parameter:
    default = field.default
    many = isinstance(default, tuple)
    shown = ", ".join(map(str, default)) or _("none") if many else str(default)
    kind: Any = get_args(field.annotation)[0] if many else field.annotation
    option = typer.Option(
        f"--{name.replace('_', '-')}",
        help=_(field.description or "") + (" " + _("May be given several times.") if many else ""),
        show_default=shown,
        rich_help_panel=_panel(name),
    )
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[(list[kind] if many else kind) | None, option],
    )


def _panel(name: str) -> str:
    for title, names in PANELS.items():
        if name in names:
            return _(title)
    return _("Training")


PANELS = {
    "Data": ("time", "target", "known", "past", "test_share", "validation_share"),
    "Model": ("horizon", "lookback", "cell", "hidden", "init", "quantiles", "origins", "ridge"),
}
