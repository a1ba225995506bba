"""From a file or frame to series, and which of their rows training sees."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.frequency import Frequency
from gruta.codec.series.outliers import Outliers
from gruta.codec.series.series import Columns, Series
from gruta.locale import translate as _
from gruta.locale.numbers import number, stamp
from gruta.reading import Guess
from gruta.settings import reading
from gruta.tasks.forecast.settings import ForecastSettings
from gruta.tasks.forecast.split import Parts

if TYPE_CHECKING:
    from gruta.tasks.trained import Trained


@dataclass(frozen=True, eq=False)
class SeriesInParts:
    """A series, and how many of its rows training sees.

    outliers: as they were told of it when it was read; None: of a series that was there before.
    """

    series: Series
    parts: Parts
    outliers: Outliers | None = None

    @cached_property
    def seen(self) -> Series:
        """The rows that training sees."""
        return self.series.until(self.parts.seen)

    def fingerprint(self) -> str:
        """Of the rows that training sees."""
        return self.seen.fingerprint()

    def told(self) -> list[tuple[str, str]]:
        """How many series and rows, their stamps and step, and where the parts end."""
        from gruta.codec.series.frequency import show

        series, longest = self.series, int(np.diff(self.series.starts).argmax())
        first, train = series.starts[longest], self.parts.train[longest]
        marks = np.array([0, train, self.parts.seen[longest], series.ends[longest] - first])
        times = series.times_at(first + marks.clip(1) - 1)
        stamps = [stamp(show(t, series.frequency)) for t in times]
        return [
            (_("series"), number(series.count)),
            (_("rows"), number(len(series))),
            (_("step"), series.frequency.name),
            (_("first row of the longest series"), stamps[0]),
            (_("training ends"), stamps[1]),
            (_("validation ends"), stamps[2]),
            (_("last value"), stamps[3]),
        ]


def as_series(
    source: Any, settings: ForecastSettings, codec: ForecastCodec | None = None
) -> Series:
    """A file or frame as series by the settings; series as they are.

    codec: of a trained model, which says the columns, the step, and what an outlier is.
    """
    if isinstance(source, Series):
        return source
    if codec is None:
        return in_parts(source, settings).series
    from gruta.data.outliers import told

    found, outliers = _read(source, settings, codec), codec.encoding.outliers
    return _beside_known(found if outliers is None else told(found, outliers), codec)


def in_parts(source: Any, settings: ForecastSettings) -> SeriesInParts:
    """The same by the settings alone, and how many rows training sees."""
    if isinstance(source, Series):
        return SeriesInParts(source, Parts.of(source, settings))
    from gruta.data.outliers import told

    found = _read(source, settings)
    parts = Parts.of(found, settings)
    outliers = Outliers.fit(found, parts.train, settings.outliers)
    return SeriesInParts(told(found, outliers), parts, outliers)


def as_part(frame: Any, settings: ForecastSettings, codec: ForecastCodec, label: str) -> Series:
    """Some of very many series, which a frame holds, for a trained model: they may be short, and
    their values all the same. label: what messages call the frame.
    """
    from gruta.data.outliers import told

    found, outliers = _read(frame, settings, codec, label=label, part=True), codec.encoding.outliers
    return found if outliers is None else told(found, outliers)


def _read(
    source: Any, settings: ForecastSettings, codec: ForecastCodec | None = None, **how: Any
) -> Series:
    from gruta.data.periods import Every
    from gruta.data.repair import Policies
    from gruta.data.series import read_series
    from gruta.data.wide import patterns

    s = settings
    step: Frequency | None = None
    untold = s.target == type(s).model_fields["target"].default
    wide = (("*",) if untold else patterns(s.target)) if s.wide else ()
    columns = Columns(s.time, s.target, s.known, s.past, s.series, s.static, wide, s.parent)
    words = None
    if codec is not None:
        columns, step = codec.encoding.columns, codec.encoding.frequency
        words = codec.encoding.words
    every = Every(s.every, s.aggregate, s.incomplete == "keep", step) if s.every else None
    of_rows = s.frequency if every or step is None else step
    policies = Policies(of_rows, s.zone, s.duplicates, s.gaps, s.longest_gap)
    return read_series(
        source,
        columns,
        reading(s),
        policies,
        words,
        may_be_wide=s.wide is None and untold,
        every=every,
        **how,
    )


def _beside_known(series: Series, codec: ForecastCodec) -> Series:
    """The series; those that training did not see are told, as a column or a series that is called
    otherwise now is one, and then those that lack.
    """
    from gruta.data.wide import listed

    now, known = series.ids, codec.encoding.ids
    before, after = set(known), set(now)
    new = [name for name in now if name not in before]
    lacking = [name for name in known if name not in after]
    if not new or not series.columns.series:
        return series
    found = [Guess("series that training did not see", listed(new))]
    if lacking:
        found.append(Guess("series of the training that are not there", listed(lacking)))
    return replace(series, guesses=(*series.guesses, *found))


def series_for(trained: "Trained[ForecastCodec]", source: Any) -> Series:
    """Series that a trained model can read, by the rules of its training."""
    return as_series(source, trained.settings, trained.codec)
