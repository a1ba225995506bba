"""A forecaster's encoder for a page that computes it."""

from functools import partial
from typing import Any

import numpy as np

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.series import Series
from gruta.locale import translate as _
from gruta.tasks.forecast.window import past_columns, require_lone, window
from gruta.tasks.portrait import Portrait, Sample, stack
from gruta.tasks.trained import Trained


def portrait(trained: Trained[ForecastCodec], series: Series | None) -> Portrait:
    """The layer that reads the window, and its last window; what reads its state is the decoder."""
    require_lone(trained)
    return Portrait(
        trained.settings.cell,
        stack(trained.weights, "encoder"),
        columns=partial(past_columns, trained.codec),
        samples=[] if series is None else [_last(trained, series)],
    )


def _last(trained: Trained[ForecastCodec], series: Series) -> Sample:
    one = window(trained, series, None)
    x = trained.head.standardised(one.arrays["past"], one.arrays.get("series"))[0]
    return Sample(_title, x=x, labels=_plain(one.before))


def _title() -> str:
    return _("the last window before a horizon that is known")


def _plain(stamps: Any) -> list[str]:
    """As programs write them, in whichever language."""
    dated = isinstance(stamps, np.ndarray) and stamps.dtype.kind == "M"
    return [str(one).replace("T", " ") for one in (stamps.astype("M8[m]") if dated else stamps)]
