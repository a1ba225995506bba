"""The optimiser, and how its learning rate moves over the steps."""

import math
from typing import Any

import torch
from torch import nn

from gruta.settings import TrainSettings

FUSED_FROM = 1_000_000
"""From so many parameters on one pass over them takes a fraction of the time of several."""


def rate(settings: TrainSettings, step: int) -> float:
    """The learning rate of a step.

    cosine: a linear rise over the warm-up, then half a cosine down to 0 (Loshchilov and Hutter
    2016, arXiv:1608.03983). onecycle: half a cosine up from 1/25 of the rate over the warm-up, then
    half a cosine down to 1/250,000 of it (Smith and Topin 2017, arXiv:1708.07120).
    """
    top, warm = settings.learning_rate, settings.warmup * settings.steps
    if settings.schedule == "constant":
        return top
    one_cycle = settings.schedule == "onecycle"
    if step < warm:
        rising = (step + 1) / (warm + 1)
        return _between(top / 25, top, rising) if one_cycle else top * rising
    falling = (step - warm) / max(1.0, settings.steps - 1 - warm)
    return _between(top, top / 250_000 if one_cycle else 0.0, falling)


def _between(start: float, end: float, share: float) -> float:
    """Half a cosine from `start` (share 0) to `end` (share 1)."""
    return end + (start - end) * (1 + math.cos(math.pi * min(share, 1.0))) / 2


def make_optimizer(model: nn.Module, settings: TrainSettings) -> torch.optim.Optimizer:
    """The optimiser of the settings over the model's trainable parameters."""
    groups = _groups(model, settings)
    lr, decay, momentum = settings.learning_rate, settings.weight_decay, settings.momentum
    betas = (momentum, settings.beta2)
    match settings.optimizer:
        case "adamw":
            fused = sum(p.numel() for p in model.parameters()) > FUSED_FROM
            return torch.optim.AdamW(
                groups, lr, betas=betas, weight_decay=decay, fused=fused or None
            )
        case "adam":
            return torch.optim.Adam(groups, lr, betas=betas, weight_decay=decay)
        case "rmsprop":
            return torch.optim.RMSprop(groups, lr, momentum=momentum, weight_decay=decay)
        case "sgd":
            return torch.optim.SGD(groups, lr, momentum=momentum, weight_decay=decay)


def _groups(model: nn.Module, settings: TrainSettings) -> list[dict[str, Any]]:
    """The parameters that weight decay pulls, and those that it leaves alone."""
    wanted = [p for p in model.parameters() if p.requires_grad]
    if settings.decays == "all" or not settings.weight_decay:
        return [{"params": wanted}]
    vectors = [m.weight for m in model.modules() if isinstance(m, nn.Embedding)]
    free = {id(p) for p in wanted if p.dim() < 2} | {id(v) for v in vectors}
    pulled, left = ([p for p in wanted if (id(p) in free) is f] for f in (False, True))
    groups: list[dict[str, Any]] = [{"params": pulled}, {"params": left, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]
