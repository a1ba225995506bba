"""Gradient clipping that measures what it does and never lets a non-finite gradient through."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from gruta.errors import InputError

Mode = Literal["norm", "value", "none"]


@dataclass(frozen=True)
class Clipping:
    """What one step's clipping saw and did.

    norm_before, norm_after: global 2-norm of the gradient, summed in float64.
    coefficient: norm_after / norm_before; 1 where nothing was clipped.
    nonfinite: the first parameter whose gradient holds NaN or infinity, or "loss"; then nothing was
        changed and the step must be skipped.
    """

    norm_before: float
    norm_after: float
    coefficient: float
    clipped: bool
    nonfinite: str | None = None


class Clipper:
    """Clips the gradients of a step, which must be unscaled, and keeps count.

    mode: "norm" scales the whole gradient to length `threshold` when it is longer, which keeps its
        direction (Pascanu et al. 2013, arXiv:1211.5063); "value" cuts every component to
        ±threshold, which does not (Mikolov 2012); "none" only measures.
    patience: how many steps in a row may have a non-finite gradient before it is `exhausted`.
    """

    def __init__(self, mode: Mode = "norm", threshold: float = 1.0, patience: int = 10) -> None:
        if mode not in get_args(Mode):
            raise InputError(f"clip: expected one of {', '.join(get_args(Mode))}, got {mode!r}")
        if not threshold > 0:
            raise InputError(f"clip_threshold: expected a positive number, got {threshold}")
        if patience < 1:
            raise InputError(f"patience: expected at least 1, got {patience}")
        self.mode = mode
        self.threshold = threshold
        self.patience = patience
        self.steps = 0
        self.clipped_steps = 0
        self.nonfinite_in_a_row = 0

    @property
    def clipped_share(self) -> float:
        """Share of the finite steps so far that were clipped."""
        return self.clipped_steps / self.steps if self.steps else 0.0

    def __call__(
        self, named_parameters: Iterable[tuple[str, nn.Parameter]], loss: Tensor | None = None
    ) -> Clipping:
        """Clip the gradients in place; a non-finite `loss` counts as a non-finite gradient."""
        named = [(name, p.grad) for name, p in named_parameters if p.grad is not None]
        gradients = [g for _, g in named]
        norms = _norms(gradients)
        before = float(torch.linalg.vector_norm(norms))
        culprits = [named[i][0] for i in torch.nonzero(~torch.isfinite(norms)).flatten().tolist()]
        if loss is not None and not torch.isfinite(loss).all():
            culprits.append("loss")
        if culprits:
            self.nonfinite_in_a_row += 1
            return Clipping(before, before, 1.0, clipped=False, nonfinite=culprits[0])
        after = self._clip(gradients, before)
        clipped = after < before
        self.nonfinite_in_a_row = 0
        self.steps += 1
        self.clipped_steps += clipped
        return Clipping(before, after, after / before if clipped else 1.0, clipped)

    def _clip(self, gradients: list[Tensor], norm: float) -> float:
        """The norm after clipping by the mode."""
        if self.mode == "norm" and norm > self.threshold:
            torch._foreach_mul_(gradients, self.threshold / norm)
            return self.threshold
        if self.mode == "value":
            for g in gradients:
                g.clamp_(-self.threshold, self.threshold)
            return float(torch.linalg.vector_norm(_norms(gradients)))
        return norm

    @property
    def exhausted(self) -> bool:
        """Whether so many steps in a row had a non-finite gradient that training should stop."""
        return self.nonfinite_in_a_row >= self.patience

    def state_dict(self) -> dict[str, Any]:
        """The counts, as plain numbers."""
        return {
            "steps": self.steps,
            "clipped_steps": self.clipped_steps,
            "nonfinite_in_a_row": self.nonfinite_in_a_row,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from counts that `state_dict` gave."""
        for name in self.state_dict():
            setattr(self, name, int(state[name]))


def _norms(gradients: list[Tensor]) -> Tensor:
    """The 2-norm of each gradient, in float64."""
    norms = [torch.linalg.vector_norm(g, dtype=torch.float64) for g in gradients]
    return torch.stack(norms) if norms else torch.zeros(1, dtype=torch.float64)
