"""A linear model for each step of the horizon.

It reads the lags and what is known of the step, and gives the change from the origin's value.
"""

from dataclasses import dataclass

from gruta.codec.series.features import Values


@dataclass(frozen=True, eq=False)
class LinearModel:
    """Weights on lags `[K, L]` and features `[K, F]`, bias `[K]`, and mean absolute error `[K]`."""

    on_lags: Values
    on_future: Values
    bias: Values
    error: Values

    def __call__(self, lags: Values, future: Values) -> Values:
        """`[..., K]`, the change from the origin's value; from `[..., L]` and `[..., K, F]`."""
        found: Values = lags @ self.on_lags.T + (future * self.on_future).sum(-1) + self.bias
        return found

    @property
    def size(self) -> int:
        """How many numbers were solved for."""
        return self.on_lags.size + self.on_future.size + self.bias.size
