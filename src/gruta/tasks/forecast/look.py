"""What an X-ray of a forecaster runs."""

from typing import Any

import numpy as np
import torch

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.features import Past, windows
from gruta.codec.series.frequency import as_shown
from gruta.codec.series.series import Series
from gruta.codec.series.stamps import as_stamp
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.tasks.forecast.evaluation import origins_from
from gruta.tasks.forecast.network import ForecastNetwork, pinball
from gruta.tasks.task import Look
from gruta.tasks.trained import Trained

DID_NOT_HELP = ("short_memory", "memoryless_units", "vanishing")
"""Rules of the advice that say to use gates, or to start with gates that keep. On real series that
raised a forecaster's error more often than it lowered it: `gruta study remedies`.
"""


def look(trained: Trained[ForecastCodec], series: Series, at: str | np.datetime64 | None) -> Look:
    """One window of `series`, the loss of its forecast as in training, and what things are called.

    at: the first stamp to forecast; by default the last whose horizon is there to compare with.
    InputError where there is no such window.
    """
    if trained.codec.members:
        raise InputError(
            _(
                "an ensemble: look into one of its networks, each a run of its own in the folder "
                "members of its run"
            )
        )
    encoding, network = trained.codec.encoding, trained.network
    assert isinstance(network, ForecastNetwork)
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
    batch = {name: torch.from_numpy(values) for name, values in arrays.items()}
    unit = network.linear.error.mean()

    def loss(result: tuple[torch.Tensor, Any]) -> torch.Tensor:
        return pinball(result[0] / unit, batch["target"] / unit, trained.settings.quantiles)

    after = int(origin[0]) + 1
    labels = {
        "encoder": shown[after - table.lookback : after],
        "decoder": shown[after : after + table.horizon],
    }
    columns = {
        "encoder": [*encoding.past_names(), *encoding.vector_names()],
        "decoder": [*encoding.future_names(), _("linear forecast"), *encoding.vector_names()],
    }
    return Look(network, [batch, None], arrays, loss, labels, columns, leave_out=DID_NOT_HELP)
