"""What the loop asks of whoever wants something trained."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from torch import Tensor, nn

from gruta.train.progress import Progress

Batch = dict[str, Tensor]
State = tuple[Tensor, ...]


@dataclass(frozen=True)
class Validation:
    """A validation's loss, and scores for people by name.

    criterion: what picks the weights, the lowest, where that is not the loss.
    """

    loss: float
    scores: Mapping[str, float] = field(default_factory=dict)
    criterion: float | None = None


class Lesson(Protocol):
    """A network, and what it learns from.

    One whose random numbers are all drawn by `gruta.nn`'s layers, or by generators of its own, may
    say so by an attribute `own_draws = True`: the loop then leaves torch's global generators alone,
    and draws batches ahead on a thread where the settings ask for it. For others it seeds them at
    each step and puts them back after it. As there is one a process, such trainings in threads take
    turns, a step at a time.

    One that is to be validated more often than the settings say has the steps between two
    validations as an attribute `validate_every`.
    """

    @property
    def model(self) -> nn.Module:
        """The network."""

    def prepare(self, progress: Progress) -> None:
        """Before the first step: closed forms, scales. What it sets is of the model's state dict,
        since a run that goes on from a checkpoint does not come here again. progress: where to
        tell how far it is, if it takes long.
        """

    def batch(self, step: int) -> Batch:
        """The batch of this step: a function of the seed and the step alone."""

    def loss(self, batch: Batch, state: State | None) -> tuple[Tensor, State | None]:
        """The loss, and the state to carry into the next step (None: nothing is carried)."""

    def validate(self) -> Validation:
        """How the network does on the validation part."""

    def samples(self, step: int) -> Mapping[str, str]:
        """What the network says after this step, for people, by title; none is fine."""


@runtime_checkable
class Concludes(Protocol):
    """A lesson with something left to do when the best weights are chosen."""

    def conclude(self) -> None:
        """The last change to the network, which has the best weights; a run that was stopped may
        have made it before.
        """


@runtime_checkable
class Keeps(Protocol):
    """A lesson with numbers of its own that a run which goes on must not compute again, as another
    process may round them otherwise.
    """

    def kept(self) -> Mapping[str, Tensor]:
        """What the checkpoint is to hold, by name."""

    def restored(self, kept: Mapping[str, Tensor]) -> None:
        """What `kept` gave, from a checkpoint."""
