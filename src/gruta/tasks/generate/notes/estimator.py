"""`MusicGenerator`: from pieces of music to a model that writes more, in scikit-learn's manners."""

from typing import TYPE_CHECKING, Any

from gruta.arithmetic import as_usual
from gruta.codec.notes.frames import Frames
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.tasks.estimator import Estimator
from gruta.tasks.generate.notes.task import NOTES
from gruta.tasks.generate.task import TASK

if TYPE_CHECKING:
    from gruta.insight import XRay
    from gruta.tasks.generate.notes.evaluation import Evaluation
    from gruta.tasks.generate.notes.making import Making


class MusicGenerator(Estimator[Frames]):
    """Writes music by a recurrent network, a frame of keys after the other.

    Settings are keyword arguments, those of `gruta.tasks.generate.settings.GenerateSettings`:

    >>> generator = MusicGenerator(frames=4).fit("chorales/")
    >>> generator.generate(length=256).save("song.mid")

    Pieces are a file, a folder, a `gruta.codec.notes.piece.Piece`, or a list of these (see
    `gruta.data.notes.pieces.read_pieces`). What is written needs no PyTorch.
    """

    task = TASK

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"units": "notes"} | settings)
        if self.settings.units != "notes":
            raise InputError(units=_("this one writes notes; take TextGenerator for others"))

    @as_usual()
    def generate(self, opening: Any = None, **how: Any) -> "Making":
        """Music that goes on from a piece or a file, made as it is asked for: `save` writes it,
        `music` has its notes.

        how: `length` in frames, `temperature`, `top_k`, `top_p`, `min_p`, `seed`, `count`, as
        `gruta.tasks.generate.options.GenerateOptions` explains them.
        """
        return NOTES.make(self._fitted(), opening, **how)

    @as_usual()
    def score(self, data: Any, y: None = None) -> float:
        """Minus the nats a frame of these pieces: more is better, as in scikit-learn."""
        return -float(NOTES.scored(self._fitted(), data).scores[0].nats)

    @as_usual()
    def evaluate(self, data: Any, *, train: Any = None) -> "Evaluation":
        """Scores beside simple models: on the held-out part of what was trained on, or on all.

        train: what was trained on, for the simple models, where that is not `data` and cannot be
        read again.
        """
        return NOTES.evaluate(self._fitted(), data, train=train)

    def xray(self, data: Any) -> "XRay":
        """A look inside the network while it reads the first piece of `data`."""
        from gruta.tasks.look import xrayed

        return xrayed(TASK, self._fitted(), data)
