"""Ridge regressions that share most of their columns, each with a few of its own.

Letters in shapes: S penalties, W columns shared by all, V columns of one regression alone.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

CONSTANT = 1e-6
"""A column that deviates by no more than this gets no weight."""


MOST_DECOMPOSED = 2_000
"""Columns up to which eigenvectors, for all penalties, cost less than a factor for each."""


class Ridge:
    """Solves on standardised columns, for each of the penalties, which are relative to the rows.

    shared: the covariances `[W, W]` of the columns that all regressions have. They are decomposed
    once.
    """

    def __init__(self, shared: Tensor, penalties: Sequence[float]) -> None:
        self._penalties = shared.new_tensor(penalties)[:, None, None]
        self._inverse = _inverse_deviation(shared)
        correlation = shared * self._inverse[:, None] * self._inverse
        decompose = _Eigen if len(shared) <= MOST_DECOMPOSED else _Factors
        self._shared = decompose(correlation, self._penalties)

    def __call__(self, cross: Tensor, own: Tensor) -> tuple[Tensor, Tensor]:
        """Weights of the shared columns `[S, W]` and of one regression's own `[S, V]`.

        cross: the covariances `[W, V + 1]` of the shared columns with its own and, last, with the
        target; own: those of these among each other `[V + 1, V + 1]`. Weights are NaN for a
        penalty under which rounding leaves nothing to solve.
        """
        inverse = torch.cat([_inverse_deviation(own[:-1, :-1]), own.new_ones(1)])
        turned = self._shared.turned(cross * self._inverse[:, None] * inverse)
        damped = self._shared.damped(turned)  # [S, W, V + 1]
        left = own * inverse[:, None] * inverse - turned.T @ damped  # [S, V + 1, V + 1]
        system, toward = left[:, :-1, :-1], left[:, :-1, -1:]
        system = system + self._penalties * torch.eye(len(own) - 1, dtype=own.dtype)
        factor, failed = torch.linalg.cholesky_ex(system)
        moving = torch.cholesky_solve(toward, factor)  # [S, V, 1]
        moving[failed > 0] = torch.nan
        standing = (damped[..., -1:] - damped[..., :-1] @ moving)[..., 0]  # [S, W]
        return self._shared.back(standing) * self._inverse, moving[..., 0] * inverse[:-1]


class _Eigen:
    """Solves with a matrix and a penalty on its diagonal, in the basis of its eigenvectors."""

    def __init__(self, matrix: Tensor, penalties: Tensor) -> None:
        values, vectors = torch.linalg.eigh(matrix)
        self._vectors: Tensor = vectors
        self._damping: Tensor = 1 / (values.clamp_min(0)[:, None] + penalties)  # [S, W, 1]

    def turned(self, columns: Tensor) -> Tensor:
        """Columns `[W, V]` in this basis."""
        return self._vectors.T @ columns

    def damped(self, turned: Tensor) -> Tensor:
        """`[S, W, V]`: solved for each penalty, in this basis."""
        return self._damping * turned

    def back(self, weights: Tensor) -> Tensor:
        """Weights `[S, W]` of the columns themselves."""
        return weights @ self._vectors.T


class _Factors:
    """The same by a Cholesky factor for each penalty, in the basis that there is."""

    def __init__(self, matrix: Tensor, penalties: Tensor) -> None:
        self._factors = []
        for penalty in penalties.flatten().tolist():
            matrix.diagonal().add_(penalty)
            factor, failed = torch.linalg.cholesky_ex(matrix)
            matrix.diagonal().sub_(penalty)
            self._factors.append(factor.fill_(torch.nan) if failed else factor)

    def turned(self, columns: Tensor) -> Tensor:
        """The columns themselves."""
        return columns

    def damped(self, turned: Tensor) -> Tensor:
        """`[S, W, V]`: solved for each penalty."""
        return torch.stack([torch.cholesky_solve(turned, factor) for factor in self._factors])

    def back(self, weights: Tensor) -> Tensor:
        """The weights themselves."""
        return weights


def _inverse_deviation(covariance: Tensor) -> Tensor:
    deviation = covariance.diagonal().clamp_min(0).sqrt()
    return torch.where(deviation > CONSTANT, 1 / deviation, 0)
