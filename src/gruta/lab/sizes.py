"""What is too large for the page, said before memory is taken."""

from pathlib import Path

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number

MOST_BYTES = 512 * 2**20
"""Of a file of weights."""


def require_readable(path: Path, most: int = MOST_BYTES) -> None:
    """InputError where there is no such file, or one that is larger."""
    if not path.is_file():
        raise InputError(_("{path}: expected a file, found none").format(path=path))
    if path.stat().st_size > most:
        problem = _("{path}: {size} bytes are too many for the page; it opens up to {most}")
        size = number(path.stat().st_size)
        raise InputError(problem.format(path=path, size=size, most=number(most)))


def bytes_in(path: Path) -> int:
    """Of a file, or all files of a folder; OSError where there is neither, but a device."""
    if path.is_dir():
        return sum(one.stat().st_size for one in path.rglob("*") if one.is_file())
    if not path.is_file():
        raise FileNotFoundError(path)
    return path.stat().st_size
