"""What neuralforecast and darts have in common: PyTorch Lightning trains them."""

import time
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2)
"""Of the seconds: when the weights are kept on the way."""

Weights = dict[str, torch.Tensor]


class Budget(Callback):  # type: ignore[misc]  # not installed where this is checked
    """Ends a training after so many CPU seconds, and keeps its weights on the way and at the end.

    kept: the CPU seconds since `began`, and the weights then.
    """

    def __init__(self, seconds: float) -> None:
        self.began, self.seconds = time.process_time(), seconds
        self.kept: list[tuple[float, Weights]] = []
        self._due = [share * seconds for share in SHARES]

    def __deepcopy__(self, _memo: dict[int, Any]) -> "Budget":
        """Itself: neuralforecast copies its models with all that they were given."""
        return self

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, *_batch: Any, **_more: Any
    ) -> None:
        """Whether it is time."""
        spent = time.process_time() - self.began
        if self._due and spent >= self._due[0]:
            self._due = [due for due in self._due if due > spent]
            self._keep(spent, module)
        if spent >= self.seconds:
            trainer.should_stop = True

    def on_train_end(self, trainer: Trainer, module: LightningModule) -> None:
        """The last."""
        self._keep(time.process_time() - self.began, module)

    def _keep(self, spent: float, module: LightningModule) -> None:
        weights = module.state_dict().items()
        self.kept.append((spent, {name: w.detach().clone() for name, w in weights}))


def trainer_settings(budget: Budget) -> dict[str, Any]:
    """Of a trainer that leaves nothing behind and says nothing."""
    return {
        "accelerator": "cpu",
        "devices": 1,
        "callbacks": [budget],
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
