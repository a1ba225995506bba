"""The one training loop: `train` reads top to bottom, what it learns a `Lesson` says."""

from gruta.train.lesson import Batch, Lesson, State, Validation
from gruta.train.loop import train
from gruta.train.progress import Diverged, Interrupted, Progress
from gruta.train.schedule import make_optimizer, rate
from gruta.train.seeds import seed_of

__all__ = [
    "Batch",
    "Diverged",
    "Interrupted",
    "Lesson",
    "Progress",
    "State",
    "Validation",
    "make_optimizer",
    "rate",
    "seed_of",
    "train",
]
