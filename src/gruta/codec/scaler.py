"""Columns of any unit, brought to mean 0 and deviation 1, and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.errors import InputError
from gruta.locale import translate as _


@dataclass(frozen=True, eq=False)
class Scaler:
    """What is taken from each column (`mean` [C]) and what it is then divided by (`scale` [C])."""

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def fit(cls, rows: NDArray[np.floating]) -> "Scaler":
        """Mean and standard deviation of `rows` [N ≥ 1, C], finite: those of the training part.

        A column that never varies has scale 1, so that it becomes 0.
        """
        low, width = rows.min(axis=0), np.ptp(rows, axis=0)
        varies = width > 0
        # Brought to 0..1 first: squares then neither overflow nor vanish, and the mean of equal
        # values is that value to the last bit.
        unit = (rows - low) / np.where(varies, width, 1.0)
        return cls(low + width * unit.mean(axis=0), np.where(varies, width * unit.std(axis=0), 1.0))

    def encode(self, rows: NDArray[np.floating]) -> NDArray[np.float64]:
        """`rows` [..., C] in units of the model."""
        return (rows - self.mean) / self.scale

    def decode(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """`rows` [..., C] in units of the data."""
        return rows * self.scale + self.mean

    def to_json(self) -> dict[str, list[float]]:
        """Plain lists; `from_json` gives the same numbers to the last bit."""
        return {"mean": self.mean.tolist(), "scale": self.scale.tolist()}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Scaler":
        """What `to_json` gave; InputError if it is anything else."""
        try:
            mean, scale = (np.asarray(content[key], np.float64) for key in ("mean", "scale"))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                _("scaler: expected mean and scale as lists: {error}").format(error=error)
            ) from None
        if mean.ndim != 1 or mean.shape != scale.shape:
            problem = _("scaler: expected mean and scale of one length, got {means} and {scales}")
            raise InputError(problem.format(means=mean.shape, scales=scale.shape))
        if not (np.isfinite(mean).all() and np.isfinite(scale).all() and (scale > 0).all()):
            raise InputError(_("scaler: expected finite means and scales above 0"))
        return cls(mean, scale)
