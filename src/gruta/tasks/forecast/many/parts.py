"""Input files cut into parts of whole series, each of which is forecast by itself."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from gruta.data.parquet import names_by_group
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.tasks.forecast.many.files import File

Counts = Mapping[str | None, int]
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

    column: names the series. InputError where rows of one series are in several files: they would
    be forecast as if they were two.
    """
    parts, broken, home = list[Part](), dict[str, str](), dict[str | None, File]()
    twice = dict[str | None, tuple[File, File]]()
    with ThreadPoolExecutor(min(_READERS, len(files))) as readers:
        looks = readers.map(partial(_looked_at, column=column), files)
        for file, groups in zip(files, looks, strict=True):
            if isinstance(groups, InputError):
                broken[file.path] = str(groups)
                continue
            parts += _cut(file, groups, most)
            for name in dict.fromkeys(name for group in groups for name in group):
                other = home.setdefault(name, file)
                if other is not file:
                    twice.setdefault(name, (other, file))
    if twice:
        _refuse(twice)
    return Plan(tuple(parts), broken, len(home))


def _looked_at(file: File, column: str) -> list[dict[str | None, int]] | InputError:
    try:
        with file.opened() as content:
            return names_by_group(content, file.path, column)
    except InputError as error:
        return error


def _refuse(twice: Mapping[str | None, tuple[File, File]]) -> None:
    shown = [
        _("{name!r} in {first} and {second}").format(name=name, first=a.path, second=b.path)
        for name, (a, b) in list(twice.items())[:_SHOWN]
    ]
    problem = _(
        "{count} series have rows in more than one file: {shown}; a forecast needs all rows of its "
        "series together: write the files anew, parted by series"
    )
    raise InputError(problem.format(count=number(len(twice)), shown=", ".join(shown)))


def _cut(file: File, groups: Sequence[Counts], most: int) -> Iterator[Part]:
    """The file whole, or in parts of about as many rows, each of series that follow each other."""
    rows = sum(sum(group.values()) for group in groups)
    if rows <= most:
        yield Part(file, rows=rows)
        return
    totals: dict[str | None, int] = {}
    for group in groups:
        for name, count in group.items():
            totals[name] = totals.get(name, 0) + count
    lots = list(_lots(totals, rows, -(-rows // most)))
    for i, names in enumerate(lots):
        own = set(names)
        which = tuple(k for k, group in enumerate(groups) if not own.isdisjoint(group))
        count = sum(totals[name] for name in names)
        yield Part(file, i + 1, len(lots), count, which, names)


def _lots(totals: Counts, rows: int, count: int) -> Iterator[tuple[str | None, ...]]:
    """Names, in their order, in lots of about as many rows."""
    lot, before, share = list[str | None](), 0, 1
    for name, own in totals.items():
        # A series goes to the lot in which its middle row would be.
        if lot and (before + own / 2) * count >= share * rows:
            yield tuple(lot)
            lot = []
            share = max(share + 1, int(before * count / rows) + 1)
        lot.append(name)
        before += own
    yield tuple(lot)
