from collections.abc import Callable

import numpy as np
import pytest

from gruta.codec.series.features import Table


@pytest.fixture
def random_table() -> Callable[..., Table]:
    """A table of noise with one column of each kind; whole numbers, so that sums are exact."""

    def make(
        rows: int = 60, lookback: int = 5, horizon: int = 3, seasons: tuple[int, ...] = (4,)
    ) -> Table:
        columns = np.random.default_rng(0).integers(-9, 10, (rows, 4)).astype(np.float32)
        return Table(
            y=columns[:, 0].cumsum(),
            known=columns[:, 1:2],
            past=columns[:, 2:3],
            calendar=columns[:, 3:4],
            seasons=seasons,
            lookback=lookback,
            horizon=horizon,
            starts=np.array([0, rows]),
        )

    return make
