"""What is learned in the place of the target: its power, or its differences."""

from dataclasses import replace

from gruta.codec.series.difference import differenced
from gruta.codec.series.power import likeliest_power, require_positive, transformed
from gruta.codec.series.series import Series
from gruta.errors import InputError
from gruta.locale import translate as _


def fitted_power(train: Series, transform: str) -> float | None:
    """Of a transform by its name, fitted on the training part."""
    names = transform.split("+")
    if "log" in names:
        return 0.0
    if "boxcox" not in names:
        return None
    require_positive(train)
    return likeliest_power(train)


def rows_apart(transform: str, seasons: tuple[int, ...]) -> int:
    """Over how many rows a transform takes differences."""
    names = transform.split("+")
    if "seasonal" not in names:
        return int("difference" in names)
    if not seasons:
        raise InputError(
            transform=_("expected a series with a season, found none; take difference")
        )
    return seasons[0]


def with_power(series: Series, power: float | None) -> Series:
    """Series with another target; InputError where a value has none."""
    if power is None:
        return series
    require_positive(series)
    return replace(series, target=transformed(series.target, power))


def as_learned(series: Series, power: float | None, apart: int) -> Series:
    """The same series, with what is learned as their target."""
    found = with_power(series, power)
    return replace(found, target=differenced(found, apart)) if apart else found
