"""How a study is to be carried out."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from gruta.train import Progress

Effort = Literal["quick", "usual", "full"]
X = TypeVar("X")


@dataclass(frozen=True)
class Plan:
    """Of one study.

    effort: quick takes a minute or two, usual several, full as long as its claims need. directory:
    the report's, where trainings also keep their runs. tell: gets a line for what is done.
    progress: opens the progress of a training, by its title and steps.
    """

    directory: Path
    tell: Callable[[str], None]
    progress: Callable[[str, int], AbstractContextManager[Progress]]
    effort: Effort = "usual"
    seed: int = 0

    def by_effort(self, quick: X, usual: X, full: X | None = None) -> X:
        """The one of the effort; `full` is as `usual` where it is left out."""
        choices: dict[Effort, X] = {
            "quick": quick,
            "usual": usual,
            "full": usual if full is None else full,
        }
        return choices[self.effort]
