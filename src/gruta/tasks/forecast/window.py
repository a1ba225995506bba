"""One window of a series as the network reads it, and what its rows and columns are called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.features import Past, windows
from gruta.codec.series.frequency import as_shown
from gruta.codec.series.series import Series
from gruta.codec.series.stamps import as_stamp
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.tasks.forecast.evaluation import origins_from
from gruta.tasks.trained import Trained


@dataclass(frozen=True, eq=False)
class Window:
    """arrays: as `features.windows` gives them. before, after: what stands at each row that is read
    and at each step that is forecast. past: what the columns of a row are called.
    """

    arrays: Mapping[str, NDArray[Any]]
    before: Any
    after: Any
    past: Sequence[str]


def window(
    trained: Trained[ForecastCodec], series: Series, at: str | np.datetime64 | None
) -> Window:
    """The rows before `at`, the first stamp to forecast; by default the last whose horizon is there
    to compare with. InputError where there is no such window.
    """
    require_lone(trained)
    encoding = trained.codec.encoding
    table = encoding.table(series)
    newest = series.observed - encoding.horizon
    clock, shown = series.frequency.local(series.times), as_shown(series.times, series.frequency)
    first = clock[newest] if at is None and newest > 0 else at
    if first is None:
        problem = _(
            "{source}: {count} rows with a target, too few for a forecast of {horizon} steps; give "
            "a longer history"
        )
        raise InputError(
            problem.format(
                source=series.source, count=number(series.observed), horizon=encoding.horizon
            )
        )
    origin = origins_from(
        series, encoding, as_stamp(first, numbered=series.frequency.numbered), len(series)
    )[:1]
    last = np.array([[table.lookback - 1]])
    arrays = windows(table, Past(table, keep=False), origin, last, table.lookback)
    end = int(origin[0]) + 1
    return Window(
        arrays,
        shown[end - table.lookback : end],
        shown[end : end + table.horizon],
        past_columns(trained.codec),
    )


def past_columns(codec: ForecastCodec) -> list[str]:
    """What the encoder reads at a row."""
    return [*codec.encoding.past_names(), *codec.encoding.vector_names()]


def require_lone(trained: Trained[ForecastCodec]) -> None:
    """InputError for an ensemble, which has no layers of its own."""
    if trained.codec.members:
        raise InputError(
            _(
                "an ensemble: look into one of its networks, each a run of its own in the folder "
                "members of its run"
            )
        )
