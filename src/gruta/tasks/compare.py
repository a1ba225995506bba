"""GRU, LSTM and RNN on the same budget: as many steps, and about as many parameters."""

from typing import Any

import torch

from gruta.cells import CELLS
from gruta.tasks.task import Task


def same_budget(task: Task[Any], source: Any, settings: Any) -> dict[str, Any]:
    """Settings by cell; hidden units are such that each network is about as large as the GRU's.

    An initialisation that a cell cannot have is PyTorch's there.
    """
    codec = task.fit_codec(task.read(source, settings), settings)

    def of(cell: str, hidden: int) -> Any:
        init = "torch" if cell == "rnn" and settings.init == "chrono" else settings.init
        return settings.model_copy(update={"cell": cell, "hidden": hidden, "init": init})

    def parameters(cell: str, hidden: int) -> int:
        with torch.device("meta"):
            network = task.network(codec, of(cell, hidden))
        return sum(p.numel() for p in network.parameters())

    goal = parameters("gru", settings.hidden)
    chosen: dict[str, Any] = {}
    for cell in CELLS:
        low, high = 1, 4 * settings.hidden
        while low < high:  # the smallest that is no smaller than the GRU's
            middle = (low + high) // 2
            low, high = (middle + 1, high) if parameters(cell, middle) < goal else (low, middle)
        nearest = min((max(1, low - 1), low), key=lambda h: abs(parameters(cell, h) - goal))
        chosen[cell] = of(cell, nearest)
    return chosen
