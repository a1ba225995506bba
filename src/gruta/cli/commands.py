"""Commands with this house's manners.

They speak the reader's language, their help ends with an example, an option of one value is given
once, and all that is wrong with a command line becomes an InputError.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from gruta.cli.examples import EXAMPLES
from gruta.cli.mistakes import called, explained, mistake, nearest, refuse_surplus
from gruta.errors import InputError
from gruta.locale import translate as _

F = TypeVar("F", bound=Callable[..., Any])


class _InOurWords:
    """The words that typer writes into a help page by itself; it has no catalogues of them."""

    epilog: str | None

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, typer's own among them."""
        own = {
            "help": _("Show this message and exit."),
            "install_completion": _("Install completion for the current shell."),
            "show_completion": _("Show completion for the current shell, to copy or adapt it."),
        }
        parameters: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for parameter in parameters:
            parameter.help = own.get(parameter.name, parameter.help)
        return parameters

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """The line that says what follows what."""
        words = {"[OPTIONS]": _("[OPTIONS]"), "COMMAND [ARGS]...": _("COMMAND [ARGS]...")}
        pieces = super().collect_usage_pieces(ctx)  # type: ignore[misc]
        line = " ".join(words.get(piece, piece) for piece in pieces)
        formatter.write_usage(ctx.command_path, line, prefix=_("Usage: "))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The page, with an example at its end."""
        from typer import rich_utils

        rich_utils.ARGUMENTS_PANEL_TITLE = _("Arguments")
        rich_utils.OPTIONS_PANEL_TITLE = _("Options")
        rich_utils.COMMANDS_PANEL_TITLE = _("Commands")
        rich_utils.DEFAULT_STRING = _("[default: {}]")
        rich_utils.REQUIRED_LONG_STRING = _("[required]")
        if example := EXAMPLES.get(ctx.command_path.partition(" ")[2]):
            self.epilog = _("Example: {command}").format(command=example)
        super().format_help(ctx, formatter)  # type: ignore[misc]


class Command(_InOurWords, TyperCommand):
    """A command that does something."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse what does not fit."""
        with explained(ctx):
            if not ctx.resilient_parsing:
                refuse_surplus(self, ctx, list(args))
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Do it; arguments of the code below are options here, and errors call them so."""
        try:
            return super().invoke(ctx)
        except InputError as error:
            options = {parameter.name: called(parameter) for parameter in self.params}
            raise InputError(error.told(lambda name: options.get(name, name))) from error


class Group(_InOurWords, TyperGroup):
    """A command that has commands."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse what does not fit."""
        with explained(ctx):
            return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is meant, and what is left for it."""
        name = args[0]
        if name not in self.commands and not ctx.resilient_parsing:
            problem = f"{name}: {_('no such command')}{nearest(name, self.commands)}"
            raise mistake(problem, ctx)
        return super().resolve_command(ctx, args)


class Commands(typer.Typer):
    """A typer.Typer whose commands are such."""

    def __init__(self, **settings: Any) -> None:
        settings.setdefault("add_completion", False)
        super().__init__(cls=settings.pop("cls", Group), **settings)

    def command(self, *name: Any, **settings: Any) -> Callable[[F], F]:
        """Add a command."""
        return super().command(*name, cls=Command, **settings)
