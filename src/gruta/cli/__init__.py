"""The command line. Heavy imports happen inside the commands, so that help answers at once."""

import os
import sys

from gruta.extras import remedy


def main() -> None:
    """Entry point of `gruta`."""
    _choose_language()
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


def _choose_language() -> None:
    """From --lang, before typer is imported: some of its texts are fixed then."""
    from gruta import locale

    for i, argument in enumerate(sys.argv):
        name, _, value = argument.partition("=")
        if name == "--lang":
            value = value or (sys.argv[i + 1] if i + 1 < len(sys.argv) else "")
            try:
                os.environ["GRUTA_LANG"] = locale.known(value)
            except ValueError as error:
                print(f"gruta: --lang: {error}", file=sys.stderr)
                sys.exit(2)
