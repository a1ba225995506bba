"""The logistic function, for the NumPy references."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def sigmoid(a: NDArray[Any]) -> NDArray[Any]:
    """σ(a) in a's dtype and shape, written with tanh so that no a overflows."""
    half = a.dtype.type(0.5)
    return half + half * np.tanh(half * a)  # type: ignore[no-any-return]
