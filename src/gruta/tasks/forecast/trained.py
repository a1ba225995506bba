"""A trained forecaster: the network, how a series enters it, and how a forecast leaves it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gruta.data.series import Series
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runs import MODEL, Run
from gruta.settings import ForecastSettings
from gruta.tasks.forecast.encoding import Encoding
from gruta.tasks.forecast.features import Table, past_features
from gruta.tasks.forecast.intervals import stretch
from gruta.tasks.forecast.network import DTYPE, ForecastNetwork
from gruta.tasks.forecast.task import forecast_changes
from gruta.weights import read_tensors

CODEC = "codec.json"


@dataclass(frozen=True, eq=False)
class Trained:
    """What training leaves; the run directory holds it as model.safetensors and codec.json.

    spread `[Q]`: by how much each quantile's distance from the median is stretched.
    seasonal_error: of the seasonal naive forecast in the training part, the unit of MASE.
    until: the last stamp that training saw.
    """

    network: ForecastNetwork
    encoding: Encoding
    levels: tuple[float, ...]
    spread: Tensor
    seasonal_error: float
    until: np.datetime64

    def quantiles(self, series: Series, origins: Tensor) -> NDArray[np.float64]:
        """`[M, K, Q]` in the target's unit, after rows `origins [M]` of `series`."""
        table = self.encoding.table(series)
        changes = forecast_changes(self.network, table, past_features(table), origins)
        values = table.y[origins][:, None, None] + stretch(changes, self.spread, self.levels)
        return self.encoding.decode(values)

    def columns(self) -> dict[str, list[str]]:
        """What people call the numbers that each recurrent layer reads."""
        encoding = self.encoding
        return {
            "encoder": encoding.past_names(),
            "decoder": [*encoding.future_names(), _("linear forecast")],
        }

    def save_codec(self, run: Run) -> None:
        """Write codec.json; the weights are there already."""
        about = {
            "encoding": self.encoding.to_json(),
            "spread": self.spread.tolist(),
            "seasonal_error": self.seasonal_error,
            "trained_until": str(self.until),
        }
        run.write_json(CODEC, about)

    @classmethod
    def load(cls, run: Run, settings: ForecastSettings) -> "Trained":
        """What a finished run holds; InputError if it is not whole."""
        codec = run.read_json(CODEC)
        weights, _about = read_tensors(run, MODEL)
        try:
            encoding = Encoding.from_json(codec["encoding"])
            network = _network_for(weights, encoding.empty_table(), settings)
            return cls(
                network,
                encoding,
                settings.quantiles,
                torch.tensor(codec["spread"], dtype=DTYPE).reshape(len(settings.quantiles)),
                float(codec["seasonal_error"]),
                np.datetime64(codec["trained_until"]),
            )
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise InputError(
                f"{run.path}: {CODEC}, {MODEL} and settings.toml do not fit together ({error}); "
                "restore the files or train again"
            ) from error


def _network_for(
    weights: Mapping[str, Tensor], table: Table, settings: ForecastSettings
) -> ForecastNetwork:
    """The network that these describe; RuntimeError if the weights are of another."""
    # On "meta" it takes no memory, however large the settings say it is.
    with torch.device("meta"):
        network = ForecastNetwork.of(table, settings)
    network.load_state_dict({name: w.to(DTYPE) for name, w in weights.items()}, assign=True)
    return network.eval()
