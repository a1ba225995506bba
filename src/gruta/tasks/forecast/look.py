"""What an X-ray of a forecaster runs."""

from typing import Any

import numpy as np
import torch

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.series import Series
from gruta.locale import translate as _
from gruta.tasks.forecast.network import ForecastNetwork, pinball
from gruta.tasks.forecast.window import require_lone, window
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
    require_lone(trained)
    encoding, network = trained.codec.encoding, trained.network
    one = window(trained, series, at)
    assert isinstance(network, ForecastNetwork)
    batch = {name: torch.from_numpy(values) for name, values in one.arrays.items()}
    unit = network.linear.error.mean()

    def loss(result: tuple[torch.Tensor, Any]) -> torch.Tensor:
        return pinball(result[0] / unit, batch["target"] / unit, trained.settings.quantiles)

    labels = {"encoder": one.before, "decoder": one.after}
    columns = {
        "encoder": one.past,
        "decoder": [*encoding.future_names(), _("linear forecast"), *encoding.vector_names()],
    }
    return Look(network, [batch, None], one.arrays, loss, labels, columns, leave_out=DID_NOT_HELP)
