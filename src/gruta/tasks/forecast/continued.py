"""Training that starts from a trained forecaster: its weights, scales and seasons, and new rows."""

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.features import Values
from gruta.codec.series.intervals import Forecasts, rolling
from gruta.tasks.forecast.ensemble import members_of
from gruta.tasks.forecast.fitted import last_learned, share_of_zeros
from gruta.tasks.forecast.lesson import ForecastLesson
from gruta.tasks.forecast.linear import solve_twice
from gruta.tasks.forecast.settings import ForecastSettings
from gruta.tasks.forecast.source import SeriesInParts
from gruta.tasks.forecast.split import Origins, Split
from gruta.tasks.forecast.task import ForecastTask
from gruta.train import Progress

Linear = Literal["auto", "kept", "anew"]
"""Of the linear path: as it was, solved on all rows, or what forecasts the validation part better.
"""

if TYPE_CHECKING:
    from gruta.tasks.forecast.network import ForecastNetwork
    from gruta.tasks.trained import Trained


@dataclass(frozen=True, kw_only=True)
class Continued(ForecastTask):
    """The forecaster's task where training does not start anew.

    before: what was trained.
    """

    before: "Trained[ForecastCodec]"
    linear: Linear = "auto"

    def members(
        self, settings: ForecastSettings
    ) -> dict[str, tuple[ForecastTask, ForecastSettings]]:
        """Each goes on from its own weights."""
        before = members_of(self.before)
        each = super().members(settings).items()
        return {name: (replace(self, before=before[name]), own) for name, (_, own) in each}

    def fit_codec(self, data: SeriesInParts, settings: ForecastSettings) -> ForecastCodec:
        """As it was, but for what is known of the new rows."""
        codec, seen = self.before.codec, data.seen
        positive = codec.never_negative and not bool((codec.encoding.read(seen).target < 0).any())
        # While it learns, all that the network says counts.
        return replace(
            codec,
            encoding=replace(codec.encoding, told_apart=True),
            until=seen.nonempty().last,
            never_negative=positive,
            zeros=share_of_zeros(seen),
            trust=1.0,
            learned=last_learned(data, settings.horizon),
        )

    def network(self, codec: ForecastCodec, settings: ForecastSettings) -> "ForecastNetwork":
        """With the weights that it has learned."""
        import torch

        network = super().network(codec, settings)
        weights = {name: torch.from_numpy(w.copy()) for name, w in self.before.weights.items()}
        network.load_state_dict(weights)
        return network

    def lesson(
        self,
        network: "ForecastNetwork",
        codec: ForecastCodec,
        data: SeriesInParts,
        settings: ForecastSettings,
    ) -> ForecastLesson:
        """Windows of the training part, which the new rows have made longer."""
        table = codec.encoding.table(data.seen)
        split, steps = Split.of(table, data.parts), codec.encoding.horizon
        how: dict[str, Any] = {"steps": steps, "seen": data.seen}
        how |= {"linear": self.linear, "before": self.before.codec}
        return _GoingOn(network, table, split, settings, **how)


class _GoingOn(ForecastLesson):
    """Before the first step nothing is computed but the linear path, if at all.

    before: of the run whose path there is. Where that is kept, misses on rows that it knows are
    stretched to those of a path that does not, as far as the run has found these larger.
    """

    def __init__(self, *of: Any, linear: Linear, before: ForecastCodec, **how: Any) -> None:
        super().__init__(*of, **how)
        self._linear, self._before = linear, before

    def prepare(self, progress: Progress) -> None:
        """Keep the linear path or solve it on all rows; the scales of what is read stay."""
        if self._linear == "kept":
            return
        path = self.model.linear
        kept = {name: buffer.clone() for name, buffer in path.named_buffers()}
        loss = self._missed()
        first, last = solve_twice(self.table, self.split, self.settings.ridge, progress.note)
        path.take(first)
        self.measure()
        if self._linear == "auto" and loss <= self._missed():
            path.load_state_dict(kept)
            self.base = None
        else:
            self.end_with(last)

    def on_validation(self) -> Forecasts:
        """As of a path that knows none of it."""
        return self._stretched(super().on_validation())

    def rolled(self) -> Forecasts:
        """As of a path that knows none of what came."""
        return self._stretched(super().rolled())

    def learned(self) -> Forecasts | None:
        """By a kept path as it is, like those of `known`."""
        return self._as_known(self.split.train) if self.last is None else super().learned()

    def known(self) -> Forecasts | None:
        """By a kept path as it is; what is newer than the path is no larger for it."""
        return self._as_known(self.split.validation) if self.last is None else super().known()

    def _missed(self) -> float:
        """The median's mean absolute error over what is new of the validation part, scaled."""
        assert self.seen is not None
        found = self.on_validation()
        missed = np.abs(found.at(1.0)[..., self.model.median] - found.target)
        missed = missed[self._is_new(found) & ~np.isnan(missed)]
        return float(missed.mean()) if len(missed) else math.inf

    def _is_new(self, found: Forecasts) -> NDArray[np.bool_]:
        """`[M, K]`: which of what was forecast the run has not seen."""
        assert self.seen is not None
        steps = np.arange(1, found.target.shape[1] + 1)
        new: NDArray[np.bool_] = (
            self.seen.times_at(found.origins[:, None] + steps) > self._before.until
        )
        return new

    def _stretched(self, found: Forecasts) -> Forecasts:
        """A kept path's, whose medians miss what the run has seen by as much as it would have
        missed it before; quantiles keep their distances from them.
        """
        if self.last is not None:
            return found
        assert self.seen is not None
        larger = self._before.optimism_at(self.seen.times_at(found.origins))[:, None] - 1
        more = np.where(self._is_new(found), 0, larger).astype(np.float32)

        def at(share: float) -> Values:
            forecast = found.at(share)
            missed = np.nan_to_num(forecast[..., self.model.median] - found.target)
            stretched: Values = forecast + (more * missed)[..., None]
            return stretched

        return replace(found, at=at)

    def _as_known(self, those: Origins) -> Forecasts | None:
        """From the rolling origins that are among these."""
        origins, firsts = rolling(*self._scored.ends, self._steps)
        some = those.has(origins)
        return self._forecasts(origins[some], firsts[some]) if some.any() else None
