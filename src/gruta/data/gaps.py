"""Values that are missing in series of even steps: counted, told, and treated as policies say."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.series import Series, carried
from gruta.data.repair import SHOWN, Policies
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.reading import Repair

Values = NDArray[np.floating]
Flags = NDArray[np.bool_]


def mended(series: Series, policies: Policies) -> Series:
    """The series with gaps as policies have them; InputError for those that they refuse.

    A target keeps its gaps, as NaN, where training is to go around them. Covariates have none but
    in rows to come.
    """
    columns, inside = series.columns, series.inside
    repairs = list(series.repairs)
    missing = inside & np.isnan(series.target)
    _require_short(series, missing, policies)
    _tell(series, columns.target, missing, repairs, policies)
    target = series.target
    if missing.any() and policies.gaps != "mask":
        target = _filled(target, series, policies, inside)
    sides = []
    for names, values in ((columns.known, series.known), (columns.past, series.past)):
        values = values.copy()
        for i, name in enumerate(names):
            lacking = inside & np.isnan(values[:, i])
            if not lacking.any() or name in series.words:  # no text is a text of its own
                continue
            _tell(series, name, lacking, repairs, policies, covariate=True)
            full = values[:, i]
            if policies.gaps != "mask":
                full = _filled(full, series, policies, inside)
            values[:, i] = np.where(inside, _carried(series, name, full), values[:, i])
        sides.append(values)
    return replace(series, target=target, known=sides[0], past=sides[1], repairs=tuple(repairs))


def _tell(
    series: Series,
    name: str,
    missing: Flags,
    repairs: list[Repair],
    policies: Policies,
    covariate: bool = False,
) -> None:
    """Count what a column lacks; InputError where the policy is that nothing may lack."""
    at = np.flatnonzero(missing)
    if not len(at):
        return
    places = tuple(series.place(int(row)) for row in at[:SHOWN])
    if policies.gaps == "error":
        problem = _(
            "{source}: column {name!r}: expected a number in each row, found none at {place} "
            "({count} in all); fill it in, or let the setting gaps say how to go on"
        )
        raise InputError(
            problem.format(source=series.source, name=name, place=places[0], count=number(len(at)))
        )
    done = {
        "mask": _("training goes around them; a forecast reads the last value before"),
        "interpolate": _("filled in by a straight line"),
        "seasonal": _("filled in from the season before"),
    }[policies.gaps]
    if covariate and policies.gaps == "mask":
        done = _("the last value before stands on")
    kind = _("values of {name} that are missing").format(name=name)
    repairs.append(Repair(kind, len(at), places, done))


def _require_short(series: Series, missing: Flags, policies: Policies) -> None:
    """InputError for a gap of the target that is too long a part of its series."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], missing, [False]]).astype(np.int8)))
    begins, ends = edges[::2], edges[1::2]
    lengths = (series.ends - series.starts[:-1])[series.of(begins)]
    too_long = np.flatnonzero(ends - begins > np.maximum(1, policies.longest_gap * lengths))
    if len(too_long):
        i = int(too_long[0])
        problem = _(
            "{source}: column {column!r}: {missing} of {rows} values are missing in one piece from "
            "{place} on; begin behind the gap, or raise the setting longest_gap"
        )
        raise InputError(
            problem.format(
                source=series.source,
                column=series.columns.target,
                missing=number(int(ends[i] - begins[i])),
                rows=number(int(lengths[i])),
                place=series.place(int(begins[i])),
            )
        )


def _filled(values: Values, series: Series, policies: Policies, there: Flags) -> Values:
    """Values `[N]` without gaps between the first and the last value of each series."""
    found = np.where(there, values, np.nan)
    season = next(iter(series.frequency.seasons()), 1)
    for first, end in zip(series.starts, series.starts[1:], strict=False):
        own = found[first:end]  # a view: what is filled in stands in `found`
        given = np.flatnonzero(~np.isnan(own))
        if len(given) in (0, len(own)):
            continue
        if policies.gaps == "seasonal":
            _from_season(own, season)
            given = np.flatnonzero(~np.isnan(own))
        between = np.arange(given[0], given[-1] + 1)
        own[between] = np.interp(between, given, own[given])
    return np.where(there, found, values)


def _from_season(own: Values, season: int) -> None:
    """Fill gaps in place from a season before or, at the start, from one behind."""
    given = np.flatnonzero(~np.isnan(own))
    for i in given[0] + np.flatnonzero(np.isnan(own[given[0] : given[-1]])):
        near = [j for j in (i - season, i + season) if 0 <= j < len(own) and not np.isnan(own[j])]
        if near:
            own[i] = own[near[0]]


def _carried(series: Series, name: str, values: Values) -> Values:
    """Values `[N]` without gaps; InputError where a series has none at all."""
    found = carried(values, series.starts)
    lacking = np.isnan(found)
    if lacking.any():
        which = series.ids[int(series.of(np.flatnonzero(lacking)[:1])[0])]
        raise InputError(
            _("{source}: column {name!r}: expected numbers, found none").format(
                source=series.source, name=name
            )
            + (_(" in the series {which!r}").format(which=which) if which else "")
            + _("; leave the column out")
        )
    return found
