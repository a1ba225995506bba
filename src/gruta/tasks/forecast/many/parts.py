"""Input files cut into parts of whole series, each of which is forecast by itself."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from gruta.data.parquet import Names, names_by_group
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.tasks.forecast.many.files import File

_READERS = 8
_SHOWN = 3


@dataclass(frozen=True)
class Part:
    """Series of an input file, whose forecasts are one file of output.

    number, of: which of the file's parts it is, from 1 on. rows: how many rows it has. groups,
    names: the groups of rows in which it is, and its series; None: all of the file.
    """

    file: File
    number: int = 1
    of: int = 1
    rows: int = 0
    groups: tuple[int, ...] | None = None
    names: tuple[str | None, ...] | None = None

    @property
    def output(self) -> str:
        """What its forecasts are called, below the directory."""
        if self.of == 1:
            return self.file.name
        stem, dot, kind = self.file.name.rpartition(".")
        width = len(str(self.of))
        return f"{stem}.{self.number:0{width}}-of-{self.of}{dot}{kind}"

    @property
    def label(self) -> str:
        """What messages call it."""
        if self.of == 1:
            return self.file.path
        told = _("{path}, part {number} of {of}")
        return told.format(path=self.file.path, number=self.number, of=self.of)


@dataclass(frozen=True)
class Plan:
    """Parts in their order, and what is wrong with files that cannot be read, by path.

    series: how many there are.
    """

    parts: tuple[Part, ...]
    broken: Mapping[str, str]
    series: int


def planned(files: Sequence[File], column: str, most: int) -> Plan:
    """Files in parts of at most `most` rows, if no single series has more.

    column: names the series; rows without a name are told of by the part that has them. InputError
    where rows of one series are in several files, as they would be forecast as if they were two, or
    where two parts would be written to one file.
    """
    parts, broken, home = list[Part](), dict[str, str](), dict[str, File]()
    twice = dict[str, tuple[File, File]]()
    with ThreadPoolExecutor(min(_READERS, len(files))) as readers:
        looks = readers.map(partial(_looked_at, column=column), files)
        for file, found in zip(files, looks, strict=True):
            if isinstance(found, InputError):
                broken[file.path] = str(found)
                continue
            parts += _cut(file, found, most)
            for name in found.names:
                if name is None:
                    continue
                other = home.setdefault(name, file)
                if other is not file:
                    twice.setdefault(name, (other, file))
    if twice:
        _refuse(twice)
    _require_distinct(parts)
    return Plan(tuple(parts), broken, len(home))


def _looked_at(file: File, column: str) -> Names | InputError:
    try:
        with file.opened() as content:
            return names_by_group(content, file.path, column)
    except InputError as error:
        return error


def _refuse(twice: Mapping[str, tuple[File, File]]) -> None:
    shown = [
        _("{name!r} in {first} and {second}").format(name=name, first=a.path, second=b.path)
        for name, (a, b) in list(twice.items())[:_SHOWN]
    ]
    problem = _(
        "{count} series have rows in more than one file: {shown}; a forecast needs all rows of its "
        "series together: write the files anew, parted by series"
    )
    raise InputError(problem.format(count=number(len(twice)), shown=", ".join(shown)))


def _require_distinct(parts: Sequence[Part]) -> None:
    """InputError where a file that is cut has parts that are called as another file is."""
    home = dict[str, Part]()
    for part in parts:
        other = home.setdefault(part.output, part)
        if other is not part:
            problem = _("{first} and {second} would both be written to {output}; rename a file")
            told = problem.format(first=other.label, second=part.label, output=part.output)
            raise InputError(told)


def _cut(file: File, found: Names, most: int) -> Iterator[Part]:
    """The file whole, or in parts of about as many rows, each of series that follow each other."""
    totals = np.zeros(len(found.names), np.int64)
    for places, counts in found.groups:
        totals[places] += counts
    rows = int(totals.sum())
    if rows <= most:
        yield Part(file, rows=rows)
        return
    # A series goes to the part in which its middle row would be.
    share = -(-rows // most) / rows
    _used, home = np.unique(
        ((totals.cumsum() - totals / 2) * share).astype(int), return_inverse=True
    )
    ends = np.searchsorted(home, np.arange(home[-1] + 2))
    groups: list[list[int]] = [[] for _part in range(home[-1] + 1)]
    for k, (places, _counts) in enumerate(found.groups):
        for part in np.unique(home[places]).tolist():
            groups[part].append(k)
    for i, own in enumerate(groups):
        some = slice(int(ends[i]), int(ends[i + 1]))
        count = int(totals[some].sum())
        yield Part(file, i + 1, len(groups), count, tuple(own), found.names[some])
