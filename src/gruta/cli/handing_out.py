"""What a measurement found: lines as they come, a table at the end, or JSON."""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from gruta.errors import InputError
from gruta.locale import translate as _

JsonPath = Annotated[
    str,
    typer.Option(
        "--json", metavar="PATH", help=_("Also write all numbers here as JSON; - prints them.")
    ),
]


def hand_out(found: Iterable[Any], json_path: str, show: Callable[[list[Any]], None]) -> None:
    """Each result on a line of standard error as it comes, and all of them at the end."""
    from dataclasses import asdict

    target, collected = json_target(json_path), []
    for one in found:
        print(one, file=sys.stderr)
        collected.append(one)
    if not wrote_json(as_json([asdict(one) for one in collected]), json_path, target):
        show(collected)


def as_json(plain: Any) -> str:
    """As a file of JSON has it."""
    return json.dumps(plain, indent=1) + "\n"


def wrote_json(text: str, path: str, target: Path | None) -> bool:
    """Write the text where --json asked for it; whether that was standard output."""
    from gruta.files import write_atomically

    if target is not None:
        write_atomically(target, text.encode())
    if path == "-":
        print(text, end="")
    return path == "-"


def json_target(path: str) -> Path | None:
    """The file that --json asks for; InputError where none can be."""
    if path in ("", "-"):
        return None
    target = Path(path)
    if not target.parent.is_dir() or target.is_dir():
        problem = _("--json: {path}: expected a file in a directory that exists, or -")
        raise InputError(problem.format(path=path))
    return target
