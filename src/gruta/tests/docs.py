"""The blocks of code in docs/, as the tests run them."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs"
BLOCK = re.compile(r"(?:<!--(?P<note>[^\n]*)-->\n)?```(?P<kind>sh|python)\n(?P<text>.*?)```", re.S)


def blocks(page: str) -> list[tuple[str, str, str]]:
    """Kind, text, and what is said of where it is run, of each block of code."""
    found = BLOCK.finditer((DOCS / page).read_text(encoding="utf-8"))
    return [(one["kind"], one["text"], (one["note"] or "").strip()) for one in found]


def texts(page: str, kind: str) -> list[str]:
    """Those of one kind."""
    return [text for own, text, _note in blocks(page) if own == kind]


def words(text: str) -> list[list[str]]:
    """Without comments and spaces between."""
    return [shlex.split(line, comments=True, posix=False) for line in text.splitlines()]


def to_run(page: str) -> Iterator[tuple[str, str]]:
    """Lines of a shell, and programs."""
    for kind, text, note in blocks(page):
        if kind == "python" and not note:
            yield kind, text
        elif not note:
            yield from ((kind, line) for line in text.splitlines() if line)
