"""All that a forecaster knows but for its weights: how a series enters, how a forecast leaves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gruta.codec.series.encoding import Encoding
from gruta.codec.series.intervals import Values, spread
from gruta.codec.series.trust import trust
from gruta.errors import InputError


@dataclass(frozen=True, eq=False)
class ForecastCodec:
    """What codec.json holds.

    spread `[Q]`: by how much each quantile's distance from the median is stretched.
    trust: how far the median goes from the linear path, 0, to the network, 1.
    seasonal_error: of the seasonal naive forecast in the training part, the unit of MASE.
    until: the last stamp that training saw.
    """

    encoding: Encoding
    spread: Values
    seasonal_error: float
    until: np.datetime64
    trust: float = 1.0

    def settled(
        self, forecast: Values, linear: Values, target: Values, quantiles: Sequence[float]
    ) -> "ForecastCodec":
        """With as much trust as the network earns, and intervals that cover what they promise.

        forecast `[M, K, Q]`, linear and target `[M, K]` are of the validation part.
        """
        median = forecast[..., list(quantiles).index(0.5)]
        share = trust(median, linear, target)
        trusted = forecast + ((1 - share) * (linear - median))[..., None]
        return replace(self, spread=spread(trusted, target, quantiles), trust=share)

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` gives the same numbers to the last bit."""
        return {
            "encoding": self.encoding.to_json(),
            "spread": self.spread.tolist(),
            "seasonal_error": self.seasonal_error,
            "trained_until": str(self.until),
            "trust": self.trust,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "ForecastCodec":
        """What `to_json` gave; InputError if it is anything else."""
        try:
            spread = np.array(content["spread"], np.float32)
            if spread.ndim != 1:
                raise ValueError(f"expected a factor a quantile, got {content['spread']}")
            return cls(
                Encoding.from_json(content["encoding"]),
                spread,
                float(content["seasonal_error"]),
                np.datetime64(content["trained_until"]),
                float(content.get("trust", 1.0)),  # version 0.1.0 always followed the network
            )
        except InputError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"codec.json: not a forecaster's ({error})") from error
