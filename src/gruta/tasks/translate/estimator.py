"""`Translator`: from pairs of texts to a trained model, in scikit-learn's manners."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gruta.arithmetic import as_usual
from gruta.codec.text.pairs import PairCodec
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.tasks.estimator import Taught
from gruta.tasks.translate.task import TASK

if TYPE_CHECKING:
    from gruta.insight import XRay
    from gruta.tasks.translate.evaluation import Evaluation
    from gruta.tasks.translate.written import Written


class Translator(Taught[PairCodec]):
    """Makes of a text another one, by a recurrent network with attention.

    Settings are keyword arguments, those of `gruta.tasks.translate.settings.TranslateSettings`:

    >>> translator = Translator(steps=5000).fit(["good day", …], ["bom dia", …])
    >>> translator.predict(["good night"])

    Pairs are two lists of texts, or whatever a file holds (see `gruta.data.pairs.read_pairs`). What
    is predicted needs no PyTorch.
    """

    task = TASK

    @as_usual()
    def predict(self, data: Any, **how: Any) -> list[str]:
        """What each text becomes; how: see `gruta.tasks.translate.options.PredictOptions`."""
        return [texts[0].text for texts in self.nbest(data, **(how | {"best": 1}))]

    @as_usual()
    def nbest(self, data: Any, *, best: int = 5, **how: Any) -> "list[Sequence[Written]]":
        """Of each text what it may become, the likeliest first: `text`, `score` and `attention`."""
        from gruta.tasks.translate.answers import answered

        if isinstance(data, Sequence) and not isinstance(data, str) and not data:
            return []
        return list(answered(self._fitted(), data, best=best, **how).texts)

    @as_usual()
    def evaluate(
        self, data: Any, y: Sequence[str] | None = None, *, train: Any = None, **how: Any
    ) -> "Evaluation":
        """Scores beside simple models: on the test part of what was trained on, or on all of it.

        train: what was trained on, as `fit` takes it with its targets, for the simple models, where
        that is not `data` and cannot be read again. how: see `SearchOptions`.
        """
        source = data if y is None else (data, y)
        return TASK.evaluate(self._fitted(), source, train=train, **how)

    def score(self, data: Any, y: Sequence[str]) -> float:
        """The share of texts that are wholly right."""
        said = self.predict(data)
        if len(said) != len(y):
            raise InputError(
                _("y: expected {count} texts, got {given}").format(count=len(said), given=len(y))
            )
        return sum(a.split() == b.split() for a, b in zip(said, y, strict=True)) / max(len(y), 1)

    def xray(self, data: Any, *, number: int = 1) -> "XRay":
        """A look inside the network while it translates one text of `data`, counted from 1."""
        from gruta.tasks.look import xrayed

        return xrayed(TASK, self._fitted(), data, number=number)
