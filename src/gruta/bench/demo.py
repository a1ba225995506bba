"""The demo's trainings with gruta's layers and with torch.nn's in their place, in turns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from torch import nn as torch_nn

from gruta import nn
from gruta.cells import CELLS, CellName
from gruta.data.series import Series
from gruta.demo.run import JOBS, Job, demand, equal_sizes, forecaster
from gruta.tasks.forecast import Forecaster

LAYERS: dict[str, Mapping[str, type[Any]]] = {
    nn.__name__: nn.CELLS,
    torch_nn.__name__: {cell: getattr(torch_nn, cell.upper()) for cell in CELLS},
}
"""The cells' classes by whose they are."""

GRUTA, TORCH = LAYERS


@dataclass(frozen=True)
class Training:
    """One cell at one of the demo's jobs, with gruta's layers and with torch.nn's.

    seconds, torch_seconds: medians of the whole training, validation and the loop included. smape,
    torch_smape: in per cent, on the test part.
    """

    job: str
    cell: CellName
    seconds: float
    torch_seconds: float
    smape: float
    torch_smape: float

    def __str__(self) -> str:
        return f"{self.cell.upper()} {self.job}: {self.times}, {self.scores}"

    @property
    def ratio(self) -> float:
        """How many times as fast the training is with gruta's layers."""
        return self.torch_seconds / self.seconds

    @property
    def times(self) -> str:
        """Seconds with gruta's layers and with torch.nn's."""
        return f"{self.seconds:.1f} / {self.torch_seconds:.1f} s"

    @property
    def scores(self) -> str:
        """Test sMAPE with gruta's layers and with torch.nn's."""
        return f"{self.smape:.3f} / {self.torch_smape:.3f} %"


def trainings(rounds: int) -> Iterator[Training]:
    """Every job and cell, trained so many times with either library's layers."""
    series = demand()
    for job in JOBS:
        hidden = equal_sizes(job, series)
        for cell in CELLS:
            turns = [
                {whose: _trained(job, cell, hidden[cell], series, whose) for whose in LAYERS}
                for _ in range(rounds)
            ]
            seconds = {w: median(turn[w].train_seconds_ for turn in turns) for w in LAYERS}
            smape = {
                whose: fitted.evaluate(series, stride=job.stride).scores[0].smape
                for whose, fitted in turns[0].items()
            }
            yield Training(
                job.key, cell, seconds[GRUTA], seconds[TORCH], smape[GRUTA], smape[TORCH]
            )


def _trained(job: Job, cell: CellName, hidden: int, series: Series, whose: str) -> Forecaster:
    own = forecaster(job, cell, hidden)
    own.layers = LAYERS[whose]
    return own.fit(series)
