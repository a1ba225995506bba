"""Weights that become whole numbers, fitted to the validation part."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from gruta.surroundings import threads, undisturbed
from gruta.tasks.exporting import rounded
from gruta.tasks.fitting import prepared
from gruta.tasks.members import of_member
from gruta.tasks.models import door_of
from gruta.tasks.task import C, networks
from gruta.tasks.trained import Trained
from gruta.train import Lesson

SHARES = (1.0, 0.97, 0.94, 0.9)
"""Of a row's largest weight, at which the row is clipped: what it rounds finer for."""


@undisturbed()
def calibrated(trained: Trained[C], data: Any) -> tuple[Trained[C], float]:
    """The network whose rows of weights are clipped where their whole numbers meet the validation
    part of `data`, which it was trained on, best; and at which share of their largest that is.
    Of shares that do alike the largest one is taken.
    """
    with threads(trained.settings.threads):
        lessons = {
            name: prepared(task, data, settings)[1]
            for name, (task, settings) in (
                networks(trained.task, trained.settings) or {"": (trained.task, trained.settings)}
            ).items()
        }
        best = min(SHARES, key=lambda share: _loss(_clipped(trained, share), lessons))
    return _clipped(trained, best), best


def _clipped(trained: Trained[C], share: float) -> Trained[C]:
    """But for what stays exact in a model file."""
    exact = tuple(door_of(trained.task.name).exact)
    weights = {
        name: weight
        if share == 1 or weight.ndim < 2 or name.rpartition("/")[2].startswith(exact)
        else _clip(weight, share)
        for name, weight in trained.weights.items()
    }
    return replace(trained, weights=weights)


def _clip(weight: np.ndarray[Any, Any], share: float) -> np.ndarray[Any, Any]:
    rows = weight.reshape(len(weight), -1)
    most = np.float32(share) * np.abs(rows).max(1, keepdims=True, initial=0)
    found: np.ndarray[Any, Any] = np.clip(rows, -most, most).reshape(weight.shape)
    return found


def _loss(trained: Trained[Any], lessons: Mapping[str, Lesson]) -> float:
    """Of its weights in whole numbers, what chose the best weights in training; over all networks
    that it is of.
    """
    weights, found = rounded(trained, "int8", widened=True), 0.0
    for name, lesson in lessons.items():
        own = of_member(name, weights) if name else weights
        lesson.model.load_state_dict({k: torch.tensor(array) for k, array in own.items()})
        lesson.model.eval()
        with torch.no_grad():
            told = lesson.validate()
        found += told.loss if told.criterion is None else told.criterion
    return found
