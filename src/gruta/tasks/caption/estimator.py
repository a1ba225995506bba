"""`Captioner`: from pictures with captions to a trained model, in scikit-learn's manners."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gruta.arithmetic import as_usual
from gruta.codec.pictures.captions import CaptionCodec
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.tasks.caption.task import TASK
from gruta.tasks.estimator import Taught

if TYPE_CHECKING:
    from gruta.insight import XRay
    from gruta.tasks.caption.evaluation import Evaluation
    from gruta.tasks.caption.written import Written


class Captioner(Taught[CaptionCodec]):
    """Says of a picture or a clip what it shows, by convolutions and a recurrent network.

    Settings are keyword arguments, those of `gruta.tasks.caption.settings.CaptionSettings`:

    >>> captioner = Captioner(steps=3000).fit("pictures/captions.csv")
    >>> captioner.predict(["cat.png", "ball.gif"])

    Pictures are what a file holds (see `gruta.data.pictures.captioned.read_captioned`), or paths,
    Pillow's pictures, and arrays of bytes `[h, w, 3]` or `[frames, h, w, 3]`, with a caption or
    several of each. What is predicted needs no PyTorch.
    """

    task = TASK

    @as_usual()
    def predict(self, data: Any, **how: Any) -> list[str]:
        """A caption of each; how: see `gruta.tasks.caption.options.PredictOptions`."""
        return [texts[0].text for texts in self.nbest(data, **(how | {"best": 1}))]

    @as_usual()
    def nbest(self, data: Any, *, best: int = 5, **how: Any) -> "list[Sequence[Written]]":
        """Of each picture captions, the likeliest first: `text`, `score` and `attention`."""
        from gruta.tasks.caption.answers import answered

        if isinstance(data, Sequence) and not isinstance(data, str) and not data:
            return []
        return list(answered(self._fitted(), data, best=best, **how).texts)

    @as_usual()
    def evaluate(
        self,
        data: Any,
        y: Sequence[str] | Sequence[Sequence[str]] | None = None,
        *,
        train: Any = None,
        **how: Any,
    ) -> "Evaluation":
        """Scores beside simple models: on the test part of what was trained on, or on all of it.

        train: what was trained on, as `fit` takes it with its captions, for the simple models,
        where that is not `data` and cannot be read again. how: see `SearchOptions`.
        """
        source = data if y is None else (data, y)
        return TASK.evaluate(self._fitted(), source, train=train, **how)

    def score(self, data: Any, y: Sequence[str]) -> float:
        """The share of captions that are wholly right."""
        said = self.predict(data)
        if len(said) != len(y):
            problem = _("y: expected {count} texts, got {given}")
            raise InputError(problem.format(count=len(said), given=len(y)))
        return sum(a.split() == b.split() for a, b in zip(said, y, strict=True)) / max(len(y), 1)

    def xray(self, data: Any, *, number: int = 1) -> "XRay":
        """A look inside the network while it sees one picture of `data`, counted from 1."""
        from gruta.tasks.look import xrayed

        return xrayed(TASK, self._fitted(), data, number=number)
