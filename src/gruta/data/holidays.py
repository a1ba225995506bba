"""Holidays of countries, states and exchanges, by the package of that name."""

from collections.abc import Iterable, Sequence
from datetime import date

import numpy as np

from gruta.codec.series.holidays import Days, Holidays
from gruta.errors import InputError
from gruta.extras import need
from gruta.locale import translate as _

_MARGIN = 30
"""So many years before the first row and after the last one are taken along."""


def holidays_of(places: Sequence[str], first: np.datetime64, last: np.datetime64) -> Holidays:
    """Of places such as BR, BR-SP or B3, for whole years well around the days `first` to `last`.

    InputError for a place of which none are known; ModuleNotFoundError without the package.
    """
    need("holidays")
    begin, end = (int(str(day.astype("M8[Y]"))) for day in (first, last))
    years = range(max(1, begin - _MARGIN), min(9999, end + _MARGIN) + 1)
    days = {place: _days_of(place, years) for place in map(str.upper, places)}
    edges = np.array([f"{years[0]:04}-01-01", f"{years[-1]:04}-12-31"], "M8[D]")
    return Holidays(days, edges[0], edges[1])


def _days_of(place: str, years: range) -> tuple[Days, Days]:
    """Those by law, and the optional ones that are not; of an exchange the days it is closed."""
    import holidays

    country, dash, state = place.partition("-")
    if place in holidays.list_supported_financial():
        return _sorted(holidays.financial_holidays(place, years=years)), _sorted(())
    states = holidays.list_supported_countries().get(country)
    if states is None:
        expected = _(
            "expected the code of a country, BR, of one of its states, BR-SP, or of an exchange, B3"
        )
        raise InputError(
            holidays=_("{expected}, got {value}").format(expected=expected, value=repr(place))
        )
    if dash and state not in states:
        named = ", ".join(states) or _("none")
        raise InputError(
            holidays=_("expected after {country}- one of {values}, got {value}").format(
                country=country, values=named, value=repr(state)
            )
        )
    known = holidays.country_holidays(country).supported_categories
    public, optional = (
        set(holidays.country_holidays(country, state or None, years, categories=category))
        if category in known
        else set()
        for category in ("public", "optional")
    )
    return _sorted(public), _sorted(optional - public)


def _sorted(days: Iterable[date]) -> Days:
    return np.array(sorted(days), "M8[D]")
