"""Short trainings of every sort, and all numbers that come of them: what the tests of modes,
generators and threads compare.
"""

import json
import random
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn

import gruta.nn
from gruta.settings import StreamSettings
from gruta.tasks.forecast import Forecaster
from gruta.tests.adding import Adding, run_at
from gruta.train import train

SHORT = {"steps": 15, "learning_rate": 0.01, "validate_every": 5, "checkpoint_every": 5}
DAYS = np.arange(120)
FRAME = pl.DataFrame(
    {
        "ds": np.datetime64("2024-01-01", "us") + DAYS.astype("m8[D]"),
        "y": 20 + 5 * np.sin(2 * np.pi * DAYS / 7) + np.random.default_rng(0).normal(size=120),
    }
)


def numbers(model: nn.Module) -> dict[str, Any]:
    """Every weight, to the bit."""
    return {k: (v.dtype, v.numpy().tobytes()) for k, v in model.state_dict().items()}


def forecast(**settings: Any) -> tuple[Any, ...]:
    """Of a forecaster's training, and of all that can be done with it then."""
    short = {"horizon": 3, "steps": 6, "hidden": 4, "watch_every": 2}
    with tempfile.TemporaryDirectory() as place:
        forecaster = Forecaster(**short | settings).fit(FRAME, run=Path(place, "run"))
        loaded = Forecaster.load(Path(place, "run"))
    return (
        numbers(forecaster.trained_.network),
        forecaster.predict(FRAME).to_dicts(),
        loaded.predict(FRAME).to_dicts(),
        loaded.evaluate(FRAME).scores,
        json.dumps(loaded.xray(FRAME).to_json()),
    )


def trained(task: Adding) -> dict[str, Any]:
    """The weights that a training of this task ends with."""
    with tempfile.TemporaryDirectory() as place:
        train(task, task.settings, run_at(Path(place, "run"), task.settings))
    return numbers(task.model)


class Noisy(nn.Module):
    """A network for the adding task whose layer draws all that it can."""

    def __init__(self) -> None:
        super().__init__()
        noise: Any = {"dropout": 0.3, "recurrent_dropout": 0.2, "zoneout": 0.1}
        self.layer = gruta.nn.GRU(2, 8, num_layers=2, **noise)
        self.sum = nn.Linear(8, 1)

    def forward(self, x: Tensor, state: None) -> tuple[Tensor, None]:
        """x `[T, B, 2]` to the sums `[B]`."""
        return self.sum(self.layer(x)[0][-1])[:, 0], None


class NoisyAdding(Adding):
    """All that it draws is drawn by gruta's layers."""

    own_draws = True

    def __init__(self, settings: StreamSettings) -> None:
        super().__init__(settings)
        self.model: Any = Noisy()


def generators() -> tuple[Any, ...]:
    """The states of those that belong to the whole process."""
    return (
        torch.get_rng_state().numpy().tobytes(),
        np.random.get_state(legacy=False)["state"]["key"].tobytes(),  # noqa: NPY002
        random.getstate(),
    )
