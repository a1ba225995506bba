"""What is wrong with a command line, in the words and the language of every other message."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, get_args, get_origin

import typer

from gruta.errors import InputError
from gruta.locale import translate as _


def called(parameter: Any) -> str:
    """What a person calls it: --horizon, FILE."""
    if parameter.param_type_name == "option":
        return str(max(parameter.opts, key=len))
    return str(parameter.metavar or parameter.name.upper())


@contextmanager
def explained(ctx: Any) -> Iterator[None]:
    """Raise what typer refuses inside as an InputError; what is none of these stays as it is."""
    try:
        yield
    except typer.TyperException as error:
        if problem := _problem(error, ctx):
            raise mistake(problem, ctx) from None
        raise


def mistake(problem: str, ctx: Any) -> InputError:
    """The problem, and where to read on."""
    hint = _("Try: {command} --help").format(command=ctx.command_path)
    return InputError(f"{problem}\n{hint}")


def nearest(name: str, names: Any) -> str:
    """A question for the right name, to end a message with."""
    from gruta.settings.resolve import nearest as found

    return found(name, names)


def refuse_surplus(command: Any, ctx: Any, args: list[str]) -> None:
    """Raise where an option of one value is given twice, of which typer would take the last, and
    where there are more arguments than the command takes.
    """
    given, rest, order = command.make_parser(ctx).parse_args(args)
    if "help" in given:
        return
    for parameter, count in Counter(order).items():
        single = parameter.param_type_name == "option" and not parameter.multiple
        if single and not parameter.is_flag and count > 1:
            problem = _("{name}: given {count} times; give it once")
            raise mistake(problem.format(name=called(parameter), count=count), ctx)
    if rest:
        problem = _("{words}: more than the command takes")
        raise mistake(problem.format(words=" ".join(rest)), ctx)


def _problem(error: typer.TyperException, ctx: Any) -> str:
    """By the name of typer's exception, as it keeps their classes to itself."""
    told: Any = error
    match type(error).__name__:
        case "NoSuchOption":
            name = told.option_name
            return f"{name}: {_('no such option')}{nearest(name, told.possibilities or ())}"
        case "MissingParameter":
            return f"{called(told.param)}: {_('expected a value, got none')}"
        case "BadOptionUsage":
            option = next((p for p in ctx.command.params if told.option_name in p.opts), None)
            if getattr(option, "is_flag", False):
                return f"{told.option_name}: {_('takes no value')}"
            return f"{told.option_name}: {_('expected a value, got none')}"
        case "BadParameter" if told.param is not None:
            return f"{called(told.param)}: {_misfit(told)}"
    return ""


def _misfit(error: Any) -> str:
    """typer has the values checked by pydantic, as our settings have; the words are the same."""
    from pydantic import ValidationError

    from gruta.settings.resolve import misfit

    if not isinstance(error.__cause__, ValidationError):
        return str(error.message).rstrip(".")
    found = error.__cause__.errors(include_url=False)[0]
    kind = error.param.type_descriptor.annotation
    return misfit(get_args(kind)[0] if get_origin(kind) is list else kind, found)
