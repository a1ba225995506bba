"""Series from lists and NumPy arrays, as a forecaster from a model file is asked with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.encoding import Encoding
from gruta.codec.series.frequency import Stamps, show
from gruta.codec.series.rows import Rows as NextRow
from gruta.codec.series.scales import LARGEST
from gruta.codec.series.series import Series
from gruta.codec.series.stamps import as_stamp
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runtime import checks

Values = NDArray[np.float64]
Column = Any
"""A list or an array, of numbers or of texts."""
Columns = dict[str, list[str | None] | Values]


@dataclass(frozen=True, eq=False)
class Given:
    """One series: N rows, and what is known of those to come.

    target `[N]`; begin: the moment of the first row; known: by column `[N + steps to come]`, of
    numbers or texts; past: by column `[N]`; static: by column one value; stamps `[N]`: where rows
    follow no even step.
    """

    name: str
    target: Values
    begin: np.datetime64
    known: Columns = field(default_factory=dict)
    past: Columns = field(default_factory=dict)
    static: Mapping[str, float | str | None] = field(default_factory=dict)
    stamps: Stamps | None = None

    @classmethod
    def of(
        cls,
        encoding: Encoding,
        target: Any,
        *,
        start: Any = None,
        times: Any = None,
        known: Mapping[str, Column] | None = None,
        past: Mapping[str, Column] | None = None,
        static: Mapping[str, Any] | None = None,
        series: str | None = None,
    ) -> "Given":
        """What is given, checked; InputError names the argument that does not fit.

        start: the stamp of the first row by the data's clock, or of numbered rows its number;
        times: the stamps of all, in its place. series: its name, where training had several.
        """
        values = targets(encoding, target)
        if not len(values):
            raise InputError(target=_("expected at least one value"))
        begin, stamps = moments(encoding, start, times, len(values))
        ahead, before = known_of(encoding, known), past_of(encoding, past, len(values))
        require_known(ahead, len(values))
        name, fixed = name_of(encoding, series), statics_of(encoding, static)
        return cls(name, values, begin, ahead, before, fixed, stamps)

    def ahead(self) -> int:
        """Rows to come of which something is known."""
        return max((len(own) for own in self.known.values()), default=len(self.target)) - len(
            self.target
        )


def as_series(encoding: Encoding, given: Sequence[Given]) -> Series:
    """All of them, one behind the other."""
    columns, words = encoding.columns, dict[str, tuple[str, ...]]()
    lengths = np.array([len(one.target) + one.ahead() for one in given])

    def laid(parts: Sequence[Values]) -> Values:
        """One behind the other, NaN where one is too short."""
        found = np.full(int(lengths.sum()), np.nan)
        for at, part in zip(lengths.cumsum() - lengths, parts, strict=True):
            found[at : at + len(part)] = part
        return found

    def side(names: Sequence[str], which: str) -> Values:
        found = np.empty((int(lengths.sum()), len(names)))
        for i, name in enumerate(names):
            own = [getattr(one, which)[name] for one in given]
            found[:, i] = laid(_coded(name, own, words) if name in encoding.words else own)
        return found

    static = None
    if columns.static:
        static = np.empty((len(given), len(columns.static)))
        for i, name in enumerate(columns.static):
            values = [one.static[name] for one in given]
            if name in encoding.words:
                coded = _coded(name, [[value] for value in values], words)  # type: ignore[list-item]
                static[:, i] = np.concatenate(coded)
            else:
                static[:, i] = np.array(values, np.float64)
    known, past = side(columns.known, "known"), side(columns.past, "past")
    stamps = None
    if any(one.stamps is not None for one in given):
        stamps = np.concatenate([_lengthened(encoding, one) for one in given])
    return Series(
        target=laid([one.target for one in given]),
        known=known,
        past=past,
        starts=np.concatenate([[0], lengths.cumsum()]),
        begins=np.array([one.begin for one in given], "M8[us]"),
        ids=tuple(one.name for one in given),
        columns=columns,
        frequency=encoding.frequency,
        source="target",
        stamps=stamps,
        static=static,
        words=words,
    )


def targets(encoding: Encoding, given: Any) -> Values:
    """Values of the target `[N]`."""
    values = checks.numbers("target", given, ("steps",), encoding.gaps)
    if np.abs(values[~np.isnan(values)]).max(initial=0) > LARGEST:
        raise InputError(target=_("expected smaller numbers; give them in a larger unit"))
    return values


def known_of(encoding: Encoding, given: Mapping[str, Column] | None) -> Columns:
    """What is known beforehand, by column."""
    return _columns("known", given, encoding.columns.known, encoding.words)


def past_of(encoding: Encoding, given: Mapping[str, Column] | None, rows: int) -> Columns:
    """What is known up to now, by column: of so many rows."""
    found = _columns("past", given, encoding.columns.past, encoding.words)
    for name, own in found.items():
        if len(own) != rows:
            problem = _("expected a value for each of the {rows} rows, got {given}")
            raise InputError(**{f"past[{name!r}]": problem.format(rows=rows, given=len(own))})
    _require_there("past", found, rows)
    return found


def require_known(given: Columns, rows: int) -> None:
    """InputError unless something is known of each of the rows."""
    for name, own in given.items():
        if len(own) < rows:
            problem = _("expected a value for each of the {rows} rows at least, got {given}")
            raise InputError(**{f"known[{name!r}]": problem.format(rows=rows, given=len(own))})
    _require_there("known", given, rows)


def name_of(encoding: Encoding, given: Any) -> str:
    """Of a series; one alone needs none."""
    alone = given is None and not encoding.columns.series
    return "" if alone else checks.text("series", given)


def _lengthened(encoding: Encoding, one: Given) -> Stamps:
    """The stamps of a series, and of what is known of the rows to come."""
    own = one.stamps
    if own is None:
        own = encoding.frequency.shift(np.asarray(one.begin), np.arange(len(one.target)))
    return np.concatenate([own, encoding.frequency.after(own[-1], one.ahead())])


def moments(
    encoding: Encoding, start: Any, times: Any, rows: int
) -> tuple[np.datetime64, Stamps | None]:
    """The moment of the first row, and those of all where they follow no even step."""
    frequency = encoding.frequency
    if (start is None) == (times is None):
        problem = _("expected the stamp of the first value, or times of all of them")
        raise InputError(start=problem)
    if times is None:
        at = frequency.moment(np.array([_stamp(start, "start", frequency.numbered)]))
        if frequency.shift(frequency.shift(at, 1), -1)[0] != at[0]:
            problem = _("expected a stamp of a step of {step}, got {given}")
            raise InputError(start=problem.format(step=frequency.name, given=start))
        return at[0], None
    if isinstance(times, str) or not isinstance(times, Sequence | np.ndarray) or len(times) != rows:
        problem = _("expected a list of {rows} stamps, one for each value")
        raise InputError(times=problem.format(rows=rows))
    clock = [_stamp(one, f"times[{i}]", frequency.numbered) for i, one in enumerate(times)]
    stamps = frequency.moment(np.array(clock, "M8[us]"))
    if isinstance(frequency, NextRow):
        if (np.diff(stamps) <= np.timedelta64(0)).any():
            raise InputError(times=_("expected stamps in increasing order"))
        return stamps[0], stamps
    expected = frequency.shift(stamps[0], np.arange(rows))
    if (off := np.flatnonzero(stamps != expected)).size:
        i = int(off[0])
        problem = _("expected {expected}, a step of {step} after the one before, got {given}")
        told = problem.format(
            expected=show(expected[i], frequency), step=frequency.name, given=times[i]
        )
        raise InputError(**{f"times[{i}]": told})
    return stamps[0], None


def _stamp(given: Any, name: str, numbered: bool) -> np.datetime64:
    whole = isinstance(given, int | np.integer) and not isinstance(given, bool)
    if whole and not numbered:
        problem = _("expected a stamp such as 2024-03-31T13:30, got {given!r}")
        raise InputError(**{name: problem.format(given=given)})
    return as_stamp(given if isinstance(given, np.datetime64) else str(given), name, numbered)


def _columns(
    side: str, given: Mapping[str, Column] | None, names: Sequence[str], words: frozenset[str]
) -> Columns:
    """By name, all of them and no others."""
    given = {} if given is None else given
    if not isinstance(given, Mapping):
        problem = _("expected a column by each name, got {kind}")
        raise InputError(**{side: problem.format(kind=type(given).__name__)})
    _require_names(side, given, names)
    found: Columns = {}
    for name in names:
        called = f"{side}[{name!r}]"
        if name in words:
            found[name] = _words(called, given[name])
        else:
            found[name] = checks.numbers(called, given[name], ("steps",))
    return found


def _words(called: str, given: Any) -> list[str | None]:
    if isinstance(given, str) or not isinstance(given, Sequence | np.ndarray):
        problem = _("expected a list of texts, got {kind}")
        raise InputError(**{called: problem.format(kind=type(given).__name__)})
    return [
        None if one is None else checks.text(f"{called}[{i}]", one) for i, one in enumerate(given)
    ]


def statics_of(
    encoding: Encoding, given: Mapping[str, Any] | None
) -> dict[str, float | str | None]:
    """What the series has as a whole, by column."""
    given, names, words = {} if given is None else given, encoding.columns.static, encoding.words
    _require_names("static", given, names)
    return {
        name: checks.text(f"static[{name!r}]", given[name])
        if name in words
        else checks.real(f"static[{name!r}]", given[name], -LARGEST, LARGEST)
        for name in names
    }


def _require_names(side: str, given: Mapping[str, Any], names: Sequence[str]) -> None:
    missing, unknown = sorted({*names} - {*given}), sorted({*map(str, given)} - {*names})
    if missing or unknown:
        none = _("none")
        problem = _("expected the columns {names}; missing: {missing}; unknown: {unknown}")
        told = problem.format(
            names=", ".join(names) or none,
            missing=", ".join(missing) or none,
            unknown=", ".join(unknown) or none,
        )
        raise InputError(**{side: told})


def _require_there(side: str, given: Mapping[str, Any], rows: int) -> None:
    """InputError for NaN in a row that has been; no text is a text of its own."""
    for name, own in given.items():
        if isinstance(own, list):
            continue
        lacking = np.flatnonzero(np.isnan(own[:rows]))
        if len(lacking):
            problem = _("expected a number in row {row}, found NaN; fill it in")
            raise InputError(**{f"{side}[{name!r}]": problem.format(row=int(lacking[0]))})


def _coded(
    name: str, columns: Sequence[Sequence[str | None]], words: dict[str, tuple[str, ...]]
) -> list[Values]:
    """Texts as their places among all of them; NaN for none."""
    known = {one: i for i, one in enumerate(sorted({w for own in columns for w in own if w}))}
    words[name] = tuple(known)
    return [np.array([np.nan if not w else known[w] for w in own], np.float64) for own in columns]
