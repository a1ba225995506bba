"""What the generator learns notes from: streams of frames, a stretch at a time."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gruta.codec.notes.frames import Frames, Roll, before
from gruta.tasks.generate.notes.network import NotesNetwork
from gruta.tasks.generate.notes.streams import Streams
from gruta.train import Batch, Progress, Share, State, Validation, by_rows, cut

_AT_ONCE = 64
"""Pieces of the validation side by side."""

_STRETCH = 256
"""Frames of them that are computed at once."""


class NotesLesson:
    """Batches, loss and validation for `gruta.train.train`."""

    own_draws = True

    def __init__(
        self,
        network: NotesNetwork,
        codec: Frames,
        train: Sequence[Roll],
        validation: Sequence[Roll],
        settings: Any,
    ) -> None:
        self.model, self._codec = network, codec
        self._streams = Streams(train, codec, settings)
        self._validation = sorted(validation, key=len)

    def prepare(self, progress: Progress) -> None:
        """Nothing has to be known before."""

    def batch(self, step: int) -> Batch:
        """The next stretch of each stream."""
        return {name: torch.from_numpy(part) for name, part in self._streams.batch(step).items()}

    def shares(self, batch: Batch, count: int) -> Sequence[Share]:
        """Some streams each."""
        rows = {name: 1 for name in batch if name != "fresh"}
        return cut(batch, rows, count, by_rows("x", 1))

    def loss(self, batch: Batch, state: State | None) -> tuple[Tensor, State | None]:
        """Nats a frame; the state is carried on, but for where a piece begins."""
        own = None if batch["fresh"] else state
        h, last = self.model(batch["x"], own, batch["resets"])
        cost = self.model.cost(h, batch["sounding"], batch["struck"], batch["held"])
        return cost.keys.mean() + cost.again.mean(), last

    def validate(self) -> Validation:
        """Nats a frame of the validation part, each piece read from its start."""
        device = self.model.output.bias.device
        keys = again = 0.0
        state: State | None = None
        for batch, inside, begins in self._side_by_side():
            there = {name: torch.from_numpy(part).to(device) for name, part in batch.items()}
            h, state = self.model(there.pop("x"), None if begins else state)
            weights = torch.from_numpy(inside).to(device)
            cost = self.model.cost(h, **there)
            keys += float((cost.keys * weights).sum())
            again += float((cost.again * weights).sum())
        frames = sum(map(len, self._validation))
        return Validation((keys + again) / frames, {"nats": keys / frames})

    def samples(self, step: int) -> Mapping[str, str]:
        """None: notes are to be heard."""
        return {}

    def _side_by_side(self) -> Iterator[tuple[dict[str, NDArray[Any]], NDArray[np.bool_], bool]]:
        """Stretches of pieces of about one length, which of their frames are real, and whether the
        pieces begin.
        """
        for at in range(0, len(self._validation), _AT_ONCE):
            rolls = self._validation[at : at + _AT_ONCE]
            longest = len(rolls[-1])
            parts: dict[str, list[NDArray[Any]]] = {
                "x": [self._codec.read(roll) for roll in rolls],
                "sounding": [roll.sounding for roll in rolls],
                "struck": [roll.struck for roll in rolls],
                "held": [before(roll.sounding) for roll in rolls],
            }
            for start in range(0, longest, _STRETCH):
                length = min(_STRETCH, longest - start)
                inside = np.zeros((length, len(rolls)), bool)
                for i, roll in enumerate(rolls):
                    inside[: max(len(roll) - start, 0), i] = True
                yield (
                    {name: _padded(own, start, length) for name, own in parts.items()},
                    inside,
                    start == 0,
                )


def _padded(parts: Sequence[NDArray[Any]], start: int, length: int) -> NDArray[Any]:
    """A stretch of each `[T, B, …]`, with zeros behind its end."""
    found = np.zeros((length, len(parts), *parts[0].shape[1:]), parts[0].dtype)
    for i, part in enumerate(parts):
        own = part[start : start + length]
        found[: len(own), i] = own
    return found
