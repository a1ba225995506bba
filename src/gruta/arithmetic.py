"""NumPy's arithmetic, whatever the caller has set."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def as_usual() -> Iterator[None]:
    """NumPy warns as it does by default, in this thread."""
    with np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"):
        yield
