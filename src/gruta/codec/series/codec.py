"""All that a forecaster knows but for its weights: how a series enters, how a forecast leaves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.encoding import Encoding
from gruta.codec.series.features import Rows
from gruta.codec.series.hierarchy import Hierarchy
from gruta.codec.series.intervals import (
    Forecasts,
    Values,
    grown,
    growth,
    levels,
    misses,
    optimism,
    spread,
)
from gruta.codec.series.series import Series
from gruta.codec.series.trust import trust
from gruta.errors import InputError
from gruta.locale import translate as _

MOST_ZEROS = 1 - 1 / 1.32
"""Where more values than these are 0, others lie 1.32 rows apart or more on average: what Syntetos,
Boylan and Croston (2005) call intermittent.
"""


@dataclass(frozen=True, eq=False)
class ForecastCodec:
    """What codec.json holds.

    spread `[Q]`: by how much each quantile's distance from the median is stretched. usual: the
    level of the errors when training ended, as `intervals` has it; None in runs of 0.1, whose
    intervals know no level. never_negative: whether training saw no value below 0.
    seasonal_errors: of the seasonal naive forecast in the training part of each of the encoding's
    series, the units of MASE. until: the last stamp that training saw. trust: how far the median
    goes from the linear path, 0, to the network, 1. growth: by how much intervals grow from block
    to block of a forecast that is read back. members: of an ensemble, the codec of each; spread and
    usual are then those of their mean. zeros: the share of the training part's values that are 0.
    learned: the last stamp that training forecast from. optimism: by how much larger misses are
    from stamps that it did not. hindsight: by how much they are larger between learned and until by
    a linear path that does not know the validation part. hierarchy: of the encoding's series, where
    they sum up.
    """

    encoding: Encoding
    spread: Values
    seasonal_errors: tuple[float, ...]
    until: np.datetime64
    usual: float | None = None
    never_negative: bool = False
    trust: float = 1.0
    growth: tuple[float, ...] = ()
    members: tuple["ForecastCodec", ...] = ()
    zeros: float = 0.0
    learned: np.datetime64 | None = None
    optimism: float = 1.0
    hindsight: float = 1.0
    hierarchy: Hierarchy | None = None

    @property
    def intermittent(self) -> bool:
        """Whether the values are counts or amounts that are often 0."""
        return self.never_negative and self.zeros > MOST_ZEROS

    def settled(
        self,
        validation: Forecasts,
        rolled: Forecasts,
        quantiles: Sequence[float],
        learned: Forecasts | None = None,
        known: Forecasts | None = None,
    ) -> "ForecastCodec":
        """With as much trust as the network earns on the validation part, and intervals that cover
        what they promise of what came after rolling origins.

        learned: of those that training forecast from, what is said by who has seen what came;
        known: of those of the validation part.
        """
        judged = quantiles if self.intermittent else (0.5,)
        places = [list(quantiles).index(level) for level in judged]
        block = self.encoding.at_once
        share = trust(
            lambda s: validation.at(s)[..., places], validation.target, judged, validation.apart
        )
        forecast, factors = rolled.at(share), tuple[float, ...]()

        def larger(seen: Forecasts | None) -> float:
            """Than those of who has seen what came."""
            if seen is None:
                return 1.0
            some = np.isin(rolled.origins, seen.origins)
            missed = misses(forecast[some], rolled.target[some], quantiles)
            return optimism(missed, misses(seen.at(share), seen.target, quantiles))

        found = replace(
            self, trust=share, optimism=larger(learned), hindsight=max(1.0, larger(known))
        )
        if block < self.encoding.horizon:
            factors = growth(forecast, rolled.target, quantiles, block)
            forecast = grown(forecast, factors, quantiles, block)
        found = replace(found, growth=factors)
        return found.calibrated(rolled.origins, rolled.firsts, forecast, rolled.target, quantiles)

    def optimism_at(self, stamps: NDArray[np.datetime64]) -> NDArray[np.float64]:
        """By how much misses after forecasts from these stamps are larger, by who does not know
        what came.
        """
        found = np.where(stamps <= self.until, self.hindsight, 1.0)
        if self.learned is not None:
            found = np.where(stamps <= self.learned, self.optimism, found)
        return found

    def calibrated(
        self,
        origins: Rows,
        firsts: Rows,
        forecast: Values,
        target: Values,
        quantiles: Sequence[float],
    ) -> "ForecastCodec":
        """With intervals that cover what they promise of what came, target `[M, K]`, of these
        forecasts `[M, K, Q]` from rolling origins `[M]`, of series that begin with `firsts [M]`.
        """
        missed = misses(forecast, target, quantiles)
        level = levels(origins, origins, missed, firsts=firsts)
        ends = np.flatnonzero(np.append(firsts[1:] != firsts[:-1], True))
        at_end = levels(origins[ends] + target.shape[1], origins, missed, firsts=firsts[ends])
        return replace(
            self,
            spread=spread(forecast, target, quantiles, level),
            usual=float(at_end.mean(dtype=np.float64)),
        )

    def decode(
        self, scaled: NDArray[np.floating], series: Series, origins: Rows
    ) -> NDArray[np.float64]:
        """Forecasts `[M, K, …]` in the target's unit, from rows `origins [M]` of series.

        None is below 0 if no value was that training saw, nor any of its series up to the origin.
        """
        return self.bounded(self.encoding.decode(scaled, series, origins), series, origins)

    def bounded(
        self, values: NDArray[np.float64], series: Series, origins: Rows
    ) -> NDArray[np.float64]:
        """Values `[M, …]` after rows `origins [M]`, none below 0 where none is ever seen."""
        if not self.never_negative:
            return values
        below = np.concatenate([[0], (self.encoding.read(series).target < 0).cumsum()])
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
            "growth": list(self.growth),
            "members": [member.to_json() for member in self.members],
            "zeros": self.zeros,
            "learned_until": None if self.learned is None else str(self.learned),
            "optimism": self.optimism,
            "hindsight": self.hindsight,
            "hierarchy": None if self.hierarchy is None else self.hierarchy.to_json(),
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
            usual, hierarchy = content.get("usual"), content.get("hierarchy")
            if usual is not None and not 0 <= usual < np.inf:
                raise ValueError(
                    _("expected a usual error of at least 0, got {usual}").format(usual=usual)
                )
            learned = content.get("learned_until")
            return cls(
                Encoding.from_json(content["encoding"]),
                spread,
                tuple(map(float, content.get("seasonal_errors", [content["seasonal_error"]]))),
                np.datetime64(content["trained_until"]),
                None if usual is None else float(usual),
                bool(content.get("never_negative", False)),
                float(content.get("trust", 1.0)),  # version 0.1.0 always followed the network
                tuple(map(float, content.get("growth", ()))),
                tuple(map(cls.from_json, content.get("members", ()))),
                float(content.get("zeros", 0.0)),
                None if learned is None else np.datetime64(learned),
                float(content.get("optimism", 1.0)),
                float(content.get("hindsight", 1.0)),
                None if hierarchy is None else Hierarchy.from_json(hierarchy),
            )
        except InputError:
            raise
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                _("codec.json: not a forecaster's ({error})").format(error=error)
            ) from error
