"""How likely the network finds music that it has not seen, beside simple models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gruta.codec.notes.frames import LOWEST, Frames, Roll, before
from gruta.codec.notes.simple import ByKey
from gruta.data.notes.pieces import Pieces
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.tasks.generate.notes.metrics import METRICS
from gruta.tasks.scores import Scores, lost_to
from gruta.tasks.trained import Trained

Nats = list[NDArray[np.float64]]
"""Of each piece, what each of its frames costs."""

SIMPLE = {
    "last frame": {"keys": False, "last": True},
    "each key": {"keys": True, "last": False},
    "each key after the last frame": {"keys": True, "last": True},
}
"""The models beside the network: what each looks at (`ByKey.fit`)."""


@dataclass(frozen=True)
class Surprise:
    """A frame that came against expectation: the keys before it, and its own, as MIDI has them."""

    piece: str
    frame: int
    before: list[int]
    came: list[int]
    nats: float


@dataclass(frozen=True, eq=False)
class Simple:
    """Scores of simple models, which know nothing of the network."""

    scores: list[Scores] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Pieces, of each the nats of its frames by the network, and scores of all models."""

    pieces: Pieces
    codec: Frames
    nats: Nats
    scores: list[Scores]
    simple: Simple = field(default_factory=Simple)
    notes: list[str] = field(default_factory=list)

    @property
    def frames(self) -> int:
        """Of all pieces."""
        return sum(map(len, self.nats))

    @property
    def lost_to(self) -> list[str]:
        """The simple models that find the pieces likelier."""
        return lost_to(self.scores, METRICS)

    def frame(self) -> pl.DataFrame:
        """A row a frame: its piece, its place there, and its nats."""
        frames = [
            pl.DataFrame(
                {
                    "piece": [piece.name] * len(nats),
                    "frame": np.arange(1, len(nats) + 1),
                    "nats": nats,
                }
            )
            for piece, nats in zip(self.pieces.pieces, self.nats, strict=True)
        ]
        return pl.concat(frames)

    def surprises(self, most: int = 10) -> list[Surprise]:
        """The frames that cost most, the first first; no two of a piece."""
        worst = [int(nats.argmax()) for nats in self.nats]
        order = sorted(range(len(worst)), key=lambda i: -self.nats[i][worst[i]])[:most]
        found = []
        for i in order:
            roll, at = self.codec.roll(self.pieces.pieces[i]).sounding, worst[i]
            was, came = (
                (LOWEST + np.flatnonzero(keys)).tolist() for keys in (before(roll)[at], roll[at])
            )
            name, cost = self.pieces.pieces[i].name, float(self.nats[i][at])
            found.append(Surprise(name, at + 1, was, came, cost))
        return found

    @property
    def renamed(self) -> Mapping[str, str]:
        """None: no column of the data is among those of `frame`."""
        return {}


def evaluate(
    trained: Trained[Frames],
    test: Pieces,
    train: Pieces | None,
    *,
    seen: bool = False,
    like: Evaluation | None = None,
) -> Evaluation:
    """Score the network on `test`, and simple models fitted to `train`.

    seen: whether training saw these pieces. like: of another network, trained and scored on the
    same; its simple models are taken as they are.
    """
    codec, rolls = trained.codec, _rolls(trained.codec, test)
    if not rolls:
        problem = _("{source}: nothing is left to score on; give a piece, or a test share above 0")
        raise InputError(problem.format(source=test.source))
    found = [trained.head.nats(roll) for roll in rolls]
    nats, again = ([own[k] for own in found] for k in (0, 1))
    simple = like.simple if like else simple_models(codec, train, rolls)
    values = _values(nats, again if codec.again else None)
    scores = [Scores(trained.settings.cell, trained.head.size, values), *simple.scores]
    notes = [] if train or like else [_no_simple_models()]
    if seen:
        notes.append(_("Training saw these pieces: name the test's folder to score on that."))
    return Evaluation(test, codec, nats, scores, simple, notes)


def simple_models(codec: Frames, train: Pieces | None, rolls: Sequence[Roll]) -> Simple:
    """Fitted to the training part, where that is at hand."""
    if train is None:
        return Simple()
    keys, scores = [roll.sounding for roll in _rolls(codec, train)], []
    for name, how in SIMPLE.items():
        model = ByKey.fit(keys, **how)
        values = _values([model.nats(roll.sounding) for roll in rolls], None)
        scores.append(Scores(name, model.parameters, values))
    return Simple(scores)


def scored(trained: Trained[Frames], pieces: Pieces) -> Evaluation:
    """Of pieces, whatever they are: the network alone."""
    return evaluate(trained, pieces, None, like=Evaluation(pieces, trained.codec, [], []))


def _rolls(codec: Frames, pieces: Pieces) -> list[Roll]:
    return [codec.roll(piece) for piece in pieces.pieces]


def _values(nats: Nats, again: Nats | None) -> dict[str, float | None]:
    mean = float(np.concatenate(nats).mean())
    return {
        "nats": mean,
        "nats_a_unit": mean,
        "bits": mean / float(np.log(2)),
        "perplexity": float(np.exp(min(mean, 700.0))),
        "again": None if again is None else float(np.concatenate(again).mean()),
    }


def _no_simple_models() -> str:
    return _(
        "Simple models are left out: what the network was trained on is not there any more, or "
        "has changed. Give it with --train (Python: train=)."
    )
