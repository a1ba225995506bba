"""The blocks of code in docs/, as the tests run them."""

import ast
import re
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


def shape(kind: str, text: str) -> object:
    """Which commands with which options, or which program: without comments and what is said in a
    language, such as texts and names of files.
    """
    if kind == "python":
        return re.sub(
            r"Constant\(value='.*?'\)|Constant\(value=\".*?\"\)", "text", ast.dump(ast.parse(text))
        )
    lines = [re.sub(r"\s+#\s.*", "", line) for line in text.replace("\\\n", " ").splitlines()]
    return [(line.split(" ")[0], re.findall(r"\s--?[a-z-]+", line)) for line in lines]


def to_run(page: str) -> Iterator[tuple[str, str]]:
    """Lines of a shell, and programs."""
    for kind, text, note in blocks(page):
        if kind == "python" and not note:
            yield kind, text
        elif not note:
            yield from ((kind, line) for line in text.splitlines() if line)


def links(page: Path) -> list[str]:
    """Those that lead to other files, or to a heading."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    found = re.findall(r"\]\(([^)\s]+)\)", text)
    return [link for link in found if "://" not in link]


def anchors(page: Path) -> set[str]:
    """What its headings are called in addresses."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}
