"""Several networks that forecast as one: the mean of what they say, quantile by quantile.

They differ in the seed, and with the strategy both in how they come to many steps: half of them
forecast these at once, half read their own back (the mean of such two: In, Jung 2022).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.features import Rows, Table, Values
from gruta.codec.series.linear import LinearModel
from gruta.tasks.members import of_member

if TYPE_CHECKING:
    from gruta.tasks.forecast.head import ForecastHead
    from gruta.tasks.trained import Trained


@dataclass(frozen=True, eq=False)
class Ensemble:
    """What its members say on average; the methods are those of `ForecastHead`."""

    members: "Sequence[ForecastHead]"

    def changes(self, table: Table, origins: Rows, steps: int, *, carry: bool = False) -> Values:
        """Quantiles of the change from the value at each of `origins [M]`: `[M, N, Q]`, scaled."""
        return self._mean(lambda one: one.changes(table, origins, steps, carry=carry))

    def median(self, batch: Mapping[str, NDArray[Any]]) -> Values:
        """Of a lone origin a window, `[B, K]`."""
        return self._mean(lambda one: one.median(batch))

    def correction(self, batch: Mapping[str, NDArray[Any]]) -> Values:
        """What the networks add to the linear model's forecast, of the same, `[B, K]`."""
        return self._mean(lambda one: one.correction(batch))

    @cached_property
    def linear(self) -> LinearModel:
        """The mean of those that forecast as many steps at once as the first."""
        steps = self.members[0].linear.horizon
        alike = [one.linear for one in self.members if one.linear.horizon == steps]
        means = (np.mean([getattr(one, f.name) for one in alike], 0) for f in fields(LinearModel))
        return LinearModel(*means)

    @property
    def means(self) -> tuple[Values, Values]:
        """As the first has them: all have learned from the same rows."""
        return self.members[0].means

    @property
    def trust(self) -> float:
        """In the networks, on average."""
        return float(np.mean([one.trust for one in self.members]))

    @property
    def size(self) -> int:
        """All numbers that were learned, but those of one linear path."""
        more = sum(one.linear.size for one in self.members[1:])
        return sum(one.size for one in self.members) + more

    def _mean(self, say: "Callable[[ForecastHead], Values]") -> Values:
        found: Values = np.mean([say(one) for one in self.members], axis=0)
        return found


def members_of(trained: "Trained[ForecastCodec]") -> "dict[str, Trained[ForecastCodec]]":
    """Each of an ensemble's networks as it was trained, by name; none of a lone one."""
    from gruta.tasks.task import networks
    from gruta.tasks.trained import Trained

    if not trained.codec.members:
        return {}
    each = networks(trained.task, trained.settings).items()

    def one(name: str, task: Any, settings: Any, codec: ForecastCodec) -> Trained[ForecastCodec]:
        weights = of_member(name, trained.weights)
        return Trained(task, settings, codec, weights, trained.data, trained.source)

    return {
        name: one(name, *how, codec)
        for (name, how), codec in zip(each, trained.codec.members, strict=True)
    }
