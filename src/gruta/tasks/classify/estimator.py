"""`Classifier`: from labelled cases to a trained model, in scikit-learn's manners."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gruta.arithmetic import as_usual
from gruta.codec.classes import ClassCodec
from gruta.tasks.classify.task import TASK, read
from gruta.tasks.estimator import Taught

if TYPE_CHECKING:
    from gruta.insight import XRay
    from gruta.tasks.classify.evaluation import Evaluation


class Classifier(Taught[ClassCodec]):
    """Classifies texts, or series of vectors, by a recurrent network.

    Settings are keyword arguments, those of `gruta.tasks.classify.settings.ClassifySettings`:

    >>> classifier = Classifier(unit="words").fit(["bom dia", "good day", …], ["pt", "en", …])
    >>> classifier.predict(["boa noite"])

    Cases are a list of texts, or of arrays `[steps, channels]` of any lengths, or whatever a file
    or folder holds (see `gruta.data.labelled.read_cases`). What is predicted needs no PyTorch.
    """

    task = TASK
    _estimator_type = "classifier"

    @property
    def classes_(self) -> NDArray[Any]:
        """The labels, in the order of `predict_proba`'s columns."""
        return np.array(self._fitted().codec.labels)

    @as_usual()
    def predict_proba(self, data: Any) -> NDArray[np.float64]:
        """`[N, K]`: the probability of each class."""
        from gruta.tasks.classify.answers import probabilities

        trained = self._fitted()
        return probabilities(trained, read(data, trained.settings))

    def predict(self, data: Any) -> NDArray[Any]:
        """`[N]`: the likeliest label of each case."""
        labels: NDArray[Any] = self.classes_[self.predict_proba(data).argmax(1)]
        return labels

    def predict_stream(self, case: Any) -> Iterator[NDArray[np.float64]]:
        """The probability of each class `[K]` after each step of one case.

        The last is what `predict_proba` says of the whole. InputError where the network reads
        backwards too.
        """
        trained = self._fitted()
        from gruta.tasks.classify.answers import encoded

        (one,) = encoded(trained.codec, read([case], trained.settings))
        for scores in trained.head.steps(one):
            yield trained.codec.probabilities(scores[None])[0]

    def score(self, data: Any, y: Sequence[Any]) -> float:
        """The share of right answers."""
        truth = self._fitted().codec.numbers(y)
        return float((self.predict_proba(data).argmax(1) == truth).mean())

    @as_usual()
    def evaluate(
        self, data: Any, y: Sequence[Any] | None = None, *, train: Any = None
    ) -> "Evaluation":
        """Scores beside simple models: on the test part of what was trained on, or on all of it.

        train: what was trained on, as `fit` takes it with its labels, for the simple models, where
        that is not `data` and cannot be read again.
        """
        return TASK.evaluate(self._fitted(), data if y is None else (data, y), train=train)

    def xray(self, data: Any, *, number: int = 1) -> "XRay":
        """A look inside the network while it reads one case of `data`, counted from 1."""
        from gruta.tasks.look import xrayed

        return xrayed(TASK, self._fitted(), data, number=number)
