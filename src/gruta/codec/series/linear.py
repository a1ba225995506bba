"""A linear model for each step of the horizon.

It reads the lags, those of past covariates too, and what is known of the step, and gives the change
from the origin's value.
"""

from dataclasses import dataclass

from gruta.codec.series.features import Values


@dataclass(frozen=True, eq=False)
class LinearModel:
    """What K models are made of, and how far they miss.

    Weights on lags `[K, L]`, on past covariates `[K, R]` and on features `[K, F]`, bias `[K]`, and
    mean absolute error `[K]`.
    """

    on_lags: Values
    on_recent: Values
    on_future: Values
    bias: Values
    error: Values

    def __call__(self, lags: Values, recent: Values, future: Values) -> Values:
        """`[..., K]`, the change from the origin's value.

        From lags `[..., L]`, past covariates `[..., R]` and features `[..., K, F]`.
        """
        on_past = lags @ self.on_lags.T + recent @ self.on_recent.T
        found: Values = on_past + (future * self.on_future).sum(-1) + self.bias
        return found

    @property
    def horizon(self) -> int:
        """K."""
        return len(self.bias)

    @property
    def size(self) -> int:
        """How many numbers were solved for."""
        return sum(w.size for w in (self.on_lags, self.on_recent, self.on_future, self.bias))
