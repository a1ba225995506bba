"""The adding problem (Hochreiter and Schmidhuber 1997), a small task for the tests of training:
how it is cut off, and what it leaves.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gruta.nn import GRU
from gruta.runs import CHECKPOINT, METRICS, MODEL, Run, read_metrics
from gruta.settings import StreamSettings
from gruta.train import Batch, Progress, Share, State, Validation, by_rows, cut, seed_of
from gruta.weights import read_tensors

T = 6

SHORT = {
    "steps": 12,
    "batch_size": 32,
    "learning_rate": 0.01,
    "log_every": 1,
    "validate_every": 4,
    "checkpoint_every": 3,
}


class Network(nn.Module):
    """The sum, read from the last state; dropout, so that a step draws random numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = GRU(2, 8)
        self.dropout = nn.Dropout(0.1)
        self.sum = nn.Linear(8, 1)

    def forward(self, x: Tensor, state: State | None) -> tuple[Tensor, State]:
        """x `[T, B, 2]` to the sums `[B]` and the state to carry."""
        _, h = self.gru(x, None if state is None else state[0])
        return self.sum(self.dropout(h[0]))[:, 0], (h,)


class Adding:
    """Add the two marked numbers of a sequence; with `tbptt`, the state is carried on."""

    def __init__(self, settings: StreamSettings) -> None:
        torch.manual_seed(settings.seed)
        self.settings = settings
        self.model = Network()

    def batch(self, step: int) -> Batch:
        """x `[T, B, 2]`, numbers and marks, and y `[B]`."""
        generator = torch.Generator().manual_seed(seed_of(self.settings.seed, step))
        B = self.settings.batch_size
        numbers = torch.rand(T, B, generator=generator)
        marked = torch.rand(T, B, generator=generator).argsort(0) < 2
        return {
            "x": torch.stack([numbers, marked.float()], dim=2),
            "y": (numbers * marked).sum(0),
        }

    def shares(self, batch: Batch, count: int) -> list[Share]:
        """Some sequences each."""
        return cut(batch, {"x": 1, "y": 0}, count, by_rows("y", 0))

    def loss(self, batch: Batch, state: State | None) -> tuple[Tensor, State | None]:
        """Mean squared error of the sums."""
        y, state = self.model(batch["x"], state)
        return F.mse_loss(y, batch["y"]), state if self.settings.tbptt else None

    def prepare(self, progress: Progress) -> None:
        """Nothing."""

    def validate(self) -> Validation:
        """The same error over a batch that no step sees."""
        batch = self.batch(2**31)
        y, _ = self.model(batch["x"], None)
        return Validation(float(F.mse_loss(y, batch["y"])))

    def samples(self, step: int) -> dict[str, str]:
        """None."""
        return {}


def run_at(path: Path, settings: StreamSettings) -> Run:
    """The run that lies at `path`, or a new one."""
    if (path / "run.json").exists():
        return Run.open(path, "adding")
    return Run.create(path, "adding", settings.model_dump(), "", threads=torch.get_num_threads())


class PowerCut(Exception):
    """Ends a training from inside, as a crash does."""


def power_cut() -> None:
    """Cut it."""
    raise PowerCut


def before_step(task: Any, step: int, act: Callable[[], object]) -> Any:
    """`act` once, as the batch of this step is asked for."""
    batch = task.batch

    def acting(asked: int) -> Any:
        if asked == step:
            task.batch = batch
            act()
        return batch(asked)

    task.batch = acting
    return task


def left_by(path: Path) -> Any:
    """All that a run leaves for good: its metrics but for wall times, and its tensors as bytes."""
    records = read_metrics(path / METRICS)
    metrics = [{k: v for k, v in r.items() if k != "seconds"} for r in records]
    files = (read_tensors(Run.open(path, "adding"), name)[0] for name in (MODEL, CHECKPOINT))
    return metrics, [{k: t.numpy().tobytes() for k, t in file.items()} for file in files]


def column(path: Path, name: str) -> list[Any]:
    """What the metrics of a run have of a name."""
    return [record[name] for record in read_metrics(path / METRICS) if name in record]
