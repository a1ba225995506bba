"""Series that sum up to others: those that a table lacks are built, those it has are checked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.frequency import show
from gruta.codec.series.series import Rows, Series
from gruta.data.repair import SHOWN
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import decimals, number
from gruta.reading import Repair

Values = NDArray[np.floating]

ALIKE = 1e-5
"""A parent that differs from the sum by a larger share of it is told; files round."""


def parents_of(ids: Sequence[str], columns: Sequence[Sequence[str]]) -> dict[str, str]:
    """Each one's parent, from columns `[S]` of names: the series' parent, then that one's, and on.

    An empty name, or the one that came before, ends the chain. InputError where one has two
    parents, or is above itself.
    """
    found: dict[str, str] = {}
    for chain in zip(ids, *columns, strict=True):
        child = chain[0]
        for parent in chain[1:]:
            if not parent:
                break
            if parent == child:
                continue
            if found.setdefault(child, parent) != parent:
                raise InputError(
                    parent=_(
                        "expected one parent of {child}, found {one} and {other}; correct the "
                        "column, or give names that occur once"
                    ).format(child=repr(child), one=repr(found[child]), other=repr(parent))
                )
            child = parent
    for name in found:
        above, seen = name, set[str]()
        while above in found:
            if above in seen:
                raise InputError(
                    parent=_("expected a hierarchy, found {name} above itself").format(
                        name=repr(above)
                    )
                )
            seen.add(above)
            above = found[above]
    return found


def summed(series: Series, parents: Mapping[str, str]) -> Series:
    """The series with each one's parent, and with parents that were not among them: the sums of
    their children, of which one that has not begun yet counts as nothing. A sum is missing where a
    child's value is.

    A parent that was there is compared with the sum, and what differs is told. InputError unless
    all end at the same moment.
    """
    if not parents:
        raise InputError(
            parent=_("expected names of series above others, found none; leave it out")
        )
    if series.stamps is not None:
        raise InputError(parent=_("expected even steps, so that series can be summed"))
    _require_one_end(series)
    children: dict[str, list[str]] = {}
    for child, parent in parents.items():
        children.setdefault(parent, []).append(child)
    laid = {part.name: part for part in _parts(series)}
    built, repairs = list[_Part](), list(series.repairs)
    for name in _bottom_up(children):
        total = _sum(name, [laid[child] for child in children[name]], series)
        if name in laid:
            repairs += _compared(laid[name], total, series)
        else:
            built.append(total)
            laid[name] = total
    every = (*series.ids, *(part.name for part in built))
    whole = replace(
        series,
        target=np.concatenate([series.target, *(part.target for part in built)]),
        known=np.concatenate([series.known, *(part.known for part in built)]),
        past=np.concatenate([series.past, *(part.past for part in built)]),
        starts=np.append(series.starts, len(series) + np.cumsum([len(p.target) for p in built])),
        begins=np.append(series.begins, [_stamp(series, part.first) for part in built]),
        ids=every,
        static=None if series.static is None else _static(series, built, children),
        parents=tuple(parents.get(name, "") for name in every),
        repairs=tuple(repairs),
    )
    return replace(whole, starts=whole.starts.astype(np.int64))


@dataclass(frozen=True, eq=False)
class _Part:
    """One series' rows, of which the first lies so many steps after the earliest of all."""

    name: str
    first: int
    target: Values
    known: Values
    past: Values

    def over(self, values: Values, first: int, end: int) -> Values:
        """Values of these rows laid between steps `first` and `end`; 0 before they begin."""
        found = np.zeros((end - first, *values.shape[1:]))
        found[self.first - first :] = values[: end - self.first]
        return found


def _parts(series: Series) -> Iterator[_Part]:
    for i, first in enumerate(series.offsets):
        rows = slice(series.starts[i], series.starts[i + 1])
        yield _Part(
            series.ids[i], int(first), series.target[rows], series.known[rows], series.past[rows]
        )


def _stamp(series: Series, step: int) -> np.datetime64:
    earliest = series.begins.min()
    found: np.datetime64 = series.frequency.shift(np.array([earliest]), step)[0]
    return found


def _bottom_up(children: Mapping[str, Sequence[str]]) -> list[str]:
    """The parents, each after those below it."""
    found: list[str] = []

    def visit(name: str) -> None:
        if name in children and name not in found:
            for child in children[name]:
                visit(child)
            found.append(name)

    for name in children:
        visit(name)
    return found


def _sum(name: str, parts: Sequence[_Part], series: Series) -> _Part:
    first = min(part.first for part in parts)
    end = min(part.first + len(part.target) for part in parts)
    target = np.sum([part.over(part.target, first, end) for part in parts], axis=0)
    begun = np.sum([part.over(np.ones(len(part.target)), first, end) for part in parts], axis=0)
    columns, sides = series.columns, list[Values]()
    for names, values in (
        (columns.known, [part.over(part.known, first, end) for part in parts]),
        (columns.past, [part.over(part.past, first, end) for part in parts]),
    ):
        mean = np.sum(values, axis=0) / begun[:, None]
        words = [i for i, column in enumerate(names) if column in series.words]
        mean[:, words] = np.nan  # of a text there is no mean
        sides.append(mean)
    dtype = series.target.dtype
    return _Part(name, first, target.astype(dtype), sides[0], sides[1])


def _compared(there: _Part, total: _Part, series: Series) -> Iterator[Repair]:
    """What is to be told of a parent that is not the sum of its children."""
    first = max(there.first, total.first)
    own, sums = (part.target[first - part.first :] for part in (there, total))
    count = min(len(own), len(sums))
    own, sums = own[:count].astype(np.float64), sums[:count].astype(np.float64)
    apart = np.abs(own - sums) > ALIKE * np.maximum(np.abs(own), np.abs(sums))
    at = np.flatnonzero(apart)
    if len(at):
        stamps = [show(_stamp(series, first + int(i)), series.frequency) for i in at[:SHOWN]]
        kind = _("values of {name} that are not the sum of the series below it").format(
            name=there.name
        )
        largest = float(np.abs(own - sums)[at].max())
        done = _("left as they are, up to {largest} apart; forecasts will sum up").format(
            largest=number(largest, decimals([largest]))
        )
        yield Repair(kind, len(at), tuple(stamps), done)


def _static(
    series: Series, built: Sequence[_Part], children: Mapping[str, Sequence[str]]
) -> Values:
    """`[S, D]`: of those built the mean of their children, but of texts none."""
    assert series.static is not None
    rows = dict(zip(series.ids, series.static, strict=True))
    words = [i for i, column in enumerate(series.columns.static) if column in series.words]
    for part in built:
        row = np.mean([rows[child] for child in children[part.name]], axis=0)
        row[words] = np.nan
        rows[part.name] = row
    return np.array(list(rows.values()))


def _require_one_end(series: Series) -> None:
    ends: Rows = series.offsets + series.ends - series.starts[:-1]
    latest = int(ends.max())
    if (ends != latest).any():
        i = int(ends.argmin())
        stamps = [show(_stamp(series, int(end) - 1), series.frequency) for end in (ends[i], latest)]
        raise InputError(
            parent=_(
                "expected series that end together, found {name} up to {end} and others up to "
                "{latest}; give its last values, 0 where it has closed, or leave it out"
            ).format(name=repr(series.ids[i]), end=stamps[0], latest=stamps[1])
        )
