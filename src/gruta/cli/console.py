"""Where tables are printed."""

import os
import sys

from rich.console import Console

WIDE = 200


def console() -> Console:
    """Standard output, as wide as the terminal; a file or a pipe has room for every column."""
    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console() if known else Console(width=WIDE)
