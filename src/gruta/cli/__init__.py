"""The command line. Heavy imports happen inside the commands, so that help answers at once."""

import os
import sys

from gruta.extras import remedy
from gruta.locale import translate as _


def main() -> None:
    """Entry point of `gruta`."""
    sys.argv[1:] = _without_language(sys.argv[1:])
    if sys.argv[1:] == ["--version"]:  # without typer too
        from gruta import __version__

        print(__version__)
        sys.exit(0)
    try:
        from gruta.cli.app import run

        status = run()
    except ModuleNotFoundError as error:
        message = remedy(error)
        if message is None:
            raise
        print(f"gruta: {message}", file=sys.stderr)
        status = 2
    sys.exit(status)


def _without_language(arguments: list[str]) -> list[str]:
    """The arguments but for --lang, at whatever place: it is chosen here.

    typer is not imported yet; some of its texts are fixed then.
    """
    rest: list[str] = []
    languages: list[str] = []
    given = iter(arguments)
    for argument in given:
        name, _, value = argument.partition("=")
        if argument == "--":
            rest += [argument, *given]
        elif name == "--lang":
            languages.append(value or next(given, ""))
        else:
            rest.append(argument)
    if languages:
        _choose_language("--lang", languages)
    elif of_environment := os.environ.get("GRUTA_LANG"):
        _choose_language("GRUTA_LANG", [of_environment])
    return rest


def _choose_language(where: str, given: list[str]) -> None:
    from gruta import locale

    try:
        if len(given) > 1:
            raise ValueError(_("given {count} times; give it once").format(count=len(given)))
        os.environ["GRUTA_LANG"] = locale.known(given[0])
    except ValueError as error:
        print(f"gruta: {where}: {error}", file=sys.stderr)
        sys.exit(2)
