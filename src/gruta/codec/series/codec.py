"""All that a forecaster knows but for its weights: how a series enters, how a forecast leaves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gruta.codec.series.encoding import Encoding
from gruta.codec.series.intervals import Values, spread
from gruta.errors import InputError


@dataclass(frozen=True, eq=False)
class ForecastCodec:
    """What codec.json holds.

    spread `[Q]`: by how much each quantile's distance from the median is stretched.
    seasonal_errors: of the seasonal naive forecast in the training part of each of the encoding's
    series, the units of MASE.
    until: the last stamp that training saw.
    """

    encoding: Encoding
    spread: Values
    seasonal_errors: tuple[float, ...]
    until: np.datetime64

    def stretched(
        self, forecast: Values, target: Values, quantiles: Sequence[float]
    ) -> "ForecastCodec":
        """With intervals that cover what they promise of these targets `[M, K]`."""
        return replace(self, spread=spread(forecast, target, quantiles))

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` gives the same numbers to the last bit."""
        return {
            "encoding": self.encoding.to_json(),
            "spread": self.spread.tolist(),
            "seasonal_error": self.seasonal_errors[0],
            "seasonal_errors": list(self.seasonal_errors),
            "trained_until": str(self.until),
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
                tuple(map(float, content.get("seasonal_errors", [content["seasonal_error"]]))),
                np.datetime64(content["trained_until"]),
            )
        except InputError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"codec.json: not a forecaster's ({error})") from error
