"""Which files of a folder are read."""

from collections.abc import Sequence
from pathlib import Path

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number


def files_of(place: Path, suffixes: Sequence[str]) -> list[Path]:
    """A file, or those of a folder, at any depth, that end so and are not hidden, in order.

    InputError where there is none.
    """
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise InputError(_("{path}: no file or folder of this name").format(path=place))
    inside = (p for p in sorted(place.rglob("*")) if p.is_file())
    seen = [
        p for p in inside if not any(part.startswith(".") for part in p.relative_to(place).parts)
    ]
    found = [p for p in seen if p.suffix.lower() in suffixes]
    if not found:
        problem = _("{path}: expected files that end with {suffixes}, found {count} others")
        raise InputError(
            problem.format(path=place, suffixes=", ".join(suffixes), count=number(len(seen)))
        )
    return found
