"""The one training loop: `train` reads top to bottom, what it learns a `Lesson` says."""

from gruta.errors import RankLost
from gruta.train.lesson import Batch, Lesson, State, Validation
from gruta.train.loop import train
from gruta.train.progress import Diverged, Interrupted, Progress
from gruta.train.ranks import Ranks, together
from gruta.train.schedule import make_optimizer, rate
from gruta.train.seeds import seed_of
from gruta.train.shares import Divides, Share, by_rows, cut

__all__ = [
    "Batch",
    "Diverged",
    "Divides",
    "Interrupted",
    "Lesson",
    "Progress",
    "RankLost",
    "Ranks",
    "Share",
    "State",
    "Validation",
    "by_rows",
    "cut",
    "make_optimizer",
    "rate",
    "seed_of",
    "together",
    "train",
]
