"""Where tables are printed, and what is said of a command that ends early."""

import os
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from gruta.locale import translate as _

WIDE = 200


def console(*, stderr: bool = False) -> Console:
    """Standard output, or error, as wide as the terminal; a file or a pipe has room for every
    column.
    """
    known = (sys.stderr if stderr else sys.stdout).isatty() or "COLUMNS" in os.environ
    return Console(stderr=stderr) if known else Console(width=WIDE, stderr=stderr)


def this_command() -> str:
    """What was typed, as a shell reads it, but for passwords in addresses."""
    return re.sub("://[^/@]*@", "://…@", shlex.join(["gruta", *sys.argv[1:]]))


@contextmanager
def resumable(again: str) -> Iterator[None]:
    """Ctrl-C ends what is inside with a message; the command `again` would go on with it."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"gruta: {_('stopped; to go on:')} {again}", file=sys.stderr)
        raise typer.Exit(130) from None
