"""All that is random in a step is a function of the seed and the step."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from gruta.nn.draws import drawing
from gruta.surroundings import seeded
from gruta.train.lesson import Lesson
from gruta.train.shares import seed_of_share


def seed_of(seed: int, step: int) -> int:
    """The seed of all that is drawn in a step; distinct for each seed and step."""
    return (seed << 32) + step


def seed_of_batch(seed: int, step: int) -> int:
    """The seed of what a batch draws from `gruta.nn`'s generators; none of `seed_of`'s."""
    return seed_of(seed, step) + (1 << 31)


@contextmanager
def draws(
    lesson: Lesson, seed: int, step: int, device: torch.device, share: int = 0
) -> Iterator[None]:
    """All that is drawn meanwhile follows from the seed, the step, and the share of the batch."""
    number = seed_of_share(seed_of(seed, step), share)
    if draws_its_own(lesson):
        with drawing(number):
            yield
    else:
        with drawing(None), seeded(number, device):
            yield


def draws_its_own(lesson: Lesson) -> bool:
    """Whether nothing is drawn from torch's global generators."""
    return getattr(lesson, "own_draws", False) and not _is_compiled(lesson.model)


def _is_compiled(model: nn.Module) -> bool:
    """Whether torch.compile has a part of it, which draws from torch's generators."""
    return any(hasattr(m, "_orig_mod") or m._compiled_call_impl for m in model.modules())
