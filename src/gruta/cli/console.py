"""Where tables are printed."""

import os
import sys

from rich.console import Console

WIDE = 200


def console(*, stderr: bool = False) -> Console:
    """Standard output, or error, as wide as the terminal; a file or a pipe has room for every
    column.
    """
    known = (sys.stderr if stderr else sys.stdout).isatty() or "COLUMNS" in os.environ
    return Console(stderr=stderr) if known else Console(width=WIDE, stderr=stderr)
