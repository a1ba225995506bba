"""Ridge regressions that share most of their columns, each with a few of its own.

Letters in shapes: S penalties, W columns shared by all, V columns of one regression alone.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

CONSTANT = 1e-6
"""A column that deviates by no more than this gets no weight."""


class Ridge:
    """Solves on standardised columns, for each of the penalties, which are relative to the rows.

    shared: the covariances `[W, W]` of the columns that all regressions have. They are decomposed
    once, for all penalties.
    """

    def __init__(self, shared: Tensor, penalties: Sequence[float]) -> None:
        self._penalties = shared.new_tensor(penalties)[:, None]
        self._inverse = _inverse_deviation(shared)
        correlation = shared * self._inverse[:, None] * self._inverse
        values, self._vectors = torch.linalg.eigh(correlation)
        self._damped = 1 / (values.clamp_min(0) + self._penalties)

    def __call__(self, cross: Tensor, own: Tensor) -> tuple[Tensor, Tensor]:
        """Weights of the shared columns `[S, W]` and of one regression's own `[S, V]`.

        cross: the covariances `[W, V + 1]` of the shared columns with its own and, last, with the
        target; own: those of these among each other `[V + 1, V + 1]`. Weights are NaN for a
        penalty under which rounding leaves nothing to solve.
        """
        inverse = torch.cat([_inverse_deviation(own[:-1, :-1]), own.new_ones(1)])
        turned = self._vectors.T @ (cross * self._inverse[:, None] * inverse)  # [W, V + 1]
        damped = self._damped[..., None] * turned  # [S, W, V + 1]
        left = own * inverse[:, None] * inverse - turned.T @ damped  # [S, V + 1, V + 1]
        system, toward = left[:, :-1, :-1], left[:, :-1, -1:]
        system = system + self._penalties[..., None] * torch.eye(len(own) - 1, dtype=own.dtype)
        factor, failed = torch.linalg.cholesky_ex(system)
        moving = torch.cholesky_solve(toward, factor)  # [S, V, 1]
        moving[failed > 0] = torch.nan
        standing = (damped[..., -1:] - damped[..., :-1] @ moving)[..., 0]  # [S, W]
        return standing @ self._vectors.T * self._inverse, moving[..., 0] * inverse[:-1]


def _inverse_deviation(covariance: Tensor) -> Tensor:
    deviation = covariance.diagonal().clamp_min(0).sqrt()
    return torch.where(deviation > CONSTANT, 1 / deviation, 0)
