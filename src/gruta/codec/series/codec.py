"""All that a forecaster knows but for its weights: how a series enters, how a forecast leaves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.encoding import Encoding
from gruta.codec.series.features import Rows
from gruta.codec.series.intervals import Forecasts, Values, levels, misses, spread
from gruta.codec.series.series import Series
from gruta.codec.series.trust import trust
from gruta.errors import InputError
from gruta.locale import translate as _


@dataclass(frozen=True, eq=False)
class ForecastCodec:
    """What codec.json holds.

    spread `[Q]`: by how much each quantile's distance from the median is stretched. usual: the
    level of the errors when training ended, as `intervals` has it; None in runs of 0.1, whose
    intervals know no level. never_negative: whether training saw no value below 0.
    seasonal_errors: of the seasonal naive forecast in the training part of each of the encoding's
    series, the units of MASE. until: the last stamp that training saw. trust: how far the median
    goes from the linear path, 0, to the network, 1. tried: the errors of the linear path by the
    transform of the target, where these were compared.
    """

    encoding: Encoding
    spread: Values
    seasonal_errors: tuple[float, ...]
    until: np.datetime64
    usual: float | None = None
    never_negative: bool = False
    trust: float = 1.0
    tried: Mapping[str, float] = field(default_factory=dict)

    def settled(
        self, validation: Forecasts, rolled: Forecasts, quantiles: Sequence[float]
    ) -> "ForecastCodec":
        """With as much trust as the network earns on the validation part, and intervals that cover
        what they promise of what came after rolling origins.
        """
        i = list(quantiles).index(0.5)
        share = trust(validation.forecast[..., i], validation.linear, validation.target)
        shift = (1 - share) * (rolled.linear - rolled.forecast[..., i])
        forecast, target = rolled.forecast + shift[..., None], rolled.target
        missed = misses(forecast, target, quantiles)
        origins, firsts = rolled.origins, rolled.firsts
        level = levels(origins, origins, missed, firsts=firsts)
        ends = np.flatnonzero(np.append(firsts[1:] != firsts[:-1], True))
        at_end = levels(origins[ends] + target.shape[1], origins, missed, firsts=firsts[ends])
        return replace(
            self,
            trust=share,
            spread=spread(forecast, target, quantiles, level),
            usual=float(at_end.mean(dtype=np.float64)),
        )

    def decode(
        self, scaled: NDArray[np.floating], series: Series, origins: Rows
    ) -> NDArray[np.float64]:
        """Forecasts `[M, K, …]` in the target's unit, from rows `origins [M]` of series.

        None is below 0 if no value was that training saw, nor any of its series up to the origin.
        """
        values = self.encoding.decode(scaled, series, origins)
        if not self.never_negative:
            return values
        below = np.concatenate([[0], (series.target < 0).cumsum()])
        free = below[origins + 1] > below[series.starts[series.of(origins)]]
        return np.where(free.reshape(-1, *[1] * (values.ndim - 1)), values, np.maximum(values, 0))

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` gives the same numbers to the last bit."""
        return {
            "encoding": self.encoding.to_json(),
            "spread": self.spread.tolist(),
            "usual": self.usual,
            "never_negative": self.never_negative,
            "seasonal_error": self.seasonal_errors[0],
            "seasonal_errors": list(self.seasonal_errors),
            "trained_until": str(self.until),
            "trust": self.trust,
            "tried": dict(self.tried),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "ForecastCodec":
        """What `to_json` gave; InputError if it is anything else."""
        try:
            spread = np.array(content["spread"], np.float32)
            if spread.ndim != 1:
                raise ValueError(
                    _("expected a factor a quantile, got {spread}").format(spread=content["spread"])
                )
            usual = content.get("usual")
            if usual is not None and not 0 <= usual < np.inf:
                raise ValueError(
                    _("expected a usual error of at least 0, got {usual}").format(usual=usual)
                )
            return cls(
                Encoding.from_json(content["encoding"]),
                spread,
                tuple(map(float, content.get("seasonal_errors", [content["seasonal_error"]]))),
                np.datetime64(content["trained_until"]),
                None if usual is None else float(usual),
                bool(content.get("never_negative", False)),
                float(content.get("trust", 1.0)),  # version 0.1.0 always followed the network
                {str(name): float(error) for name, error in content.get("tried", {}).items()},
            )
        except InputError:
            raise
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                _("codec.json: not a forecaster's ({error})").format(error=error)
            ) from error
