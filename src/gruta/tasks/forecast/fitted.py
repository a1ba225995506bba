"""What a forecaster knows before its network learns: scales, seasons, holidays."""

import math
from dataclasses import replace

import numpy as np

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.encoding import Encoding
from gruta.codec.series.holidays import Holidays
from gruta.codec.series.outliers import Outliers
from gruta.codec.series.power import require_positive
from gruta.codec.series.series import Series
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.tasks.forecast.settings import ForecastSettings
from gruta.tasks.forecast.source import SeriesInParts

MOST_AUTO = 8
"""A vector of a series is no wider of itself."""


def codec_of(data: SeriesInParts, settings: ForecastSettings) -> ForecastCodec:
    """From the training part alone; intervals are as the network has them yet."""
    from gruta.tasks.forecast.scores import seasonal_errors

    seen, train = data.seen, data.parts.train
    # What is left open is not chosen yet.
    transform = "none" if settings.transform == "auto" else settings.transform
    days = known_holidays(seen, settings)
    s, outliers = settings, data.outliers or Outliers.fit(seen, train, settings.outliers)
    encoding = Encoding.fit(
        seen, train, s.lookback, s.horizon, days, transform, s.own_block, outliers
    )
    encoding = replace(encoding, embedding=_width(s.embedding, len(encoding.ids)))
    if {"log", "boxcox"} & set(transform.split("+")):
        # The test, which is forecast from too, included.
        require_positive(encoding.read(data.series))
    season = encoding.seasons[0] if encoding.seasons else 1
    errors = seasonal_errors(seen.until(train).nonempty(), season)
    spread = np.ones(len(settings.quantiles), np.float32)
    return ForecastCodec(
        encoding,
        spread,
        errors,
        seen.nonempty().last,
        never_negative=not bool((encoding.read(seen).target < 0).any()),
        zeros=share_of_zeros(seen),
        learned=last_learned(data, settings.horizon),
    )


def last_learned(data: SeriesInParts, horizon: int) -> np.datetime64 | None:
    """The last stamp with a whole horizon in the training part."""
    train, series = data.parts.train, data.series
    rows = (series.starts[:-1] + train - horizon - 1)[train > horizon]
    return series.times_at(rows).max() if len(rows) else None


def _width(given: str, series: int) -> int:
    """Of the vectors of so many series."""
    if series == 1:
        return 0
    return int(given) if given != "auto" else min(MOST_AUTO, math.ceil(math.sqrt(series)))


def known_holidays(series: Series, settings: ForecastSettings) -> Holidays | None:
    """Those that the settings name, around the stamps of these series."""
    if not settings.holidays:
        return None
    from gruta.data.holidays import holidays_of

    if series.frequency.numbered:
        raise InputError(
            holidays=_("expected stamps with dates, found numbered rows; leave it out")
        )
    found = series.nonempty()
    return holidays_of(settings.holidays, found.begins.min(), found.last)


def share_of_zeros(series: Series) -> float:
    """Of the values that are there."""
    there = series.target[~np.isnan(series.target)]
    return float((there == 0).mean()) if len(there) else 0.0
