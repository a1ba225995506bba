"""`TextGenerator`: from texts to a model that writes more, in scikit-learn's manners."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gruta.arithmetic import as_usual
from gruta.codec.text.units import Units
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.settings import resolve
from gruta.tasks.estimator import Estimator
from gruta.tasks.generate.options import GenerateOptions, ScoreOptions, sampling
from gruta.tasks.generate.task import TASK

if TYPE_CHECKING:
    from gruta.insight import XRay
    from gruta.tasks.generate.evaluation import Evaluation


class TextGenerator(Estimator[Units]):
    """Writes text by a recurrent network, a unit after the other.

    Settings are keyword arguments, those of `gruta.tasks.generate.settings.GenerateSettings`:

    >>> generator = TextGenerator(units="words").fit("dom-casmurro.txt")
    >>> generator.generate("Capitu", length=50)

    Texts are a file, a folder, a text, or a list of these (see `gruta.data.text.read_texts`). What
    is written needs no PyTorch.
    """

    task = TASK

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        if self.settings.units == "notes":
            raise InputError(units=_("notes are written by MusicGenerator; take that"))

    @as_usual()
    def generate(self, prompt: str = "", **how: Any) -> list[str]:
        """Texts that follow the prompt, as many as `count` says.

        how: `length`, `temperature`, `top_k`, `top_p`, `min_p`, `repetition_penalty`, `seed`,
        `count`, `stop`, as `gruta.tasks.generate.options.GenerateOptions` explains them.
        """
        from gruta.tasks.generate.generation import written

        trained, o = self._fitted(), resolve(GenerateOptions, {"prompt": prompt, **how})
        return written(
            trained.head,
            trained.codec,
            o.prompt,
            sampling(o),
            length=o.length,
            count=o.count,
            seed=o.seed,
            stops=o.stop,
        )

    def stream(self, prompt: str = "", **how: Any) -> Iterator[str]:
        """One such text in pieces, as they are made; together they are what `generate` gives."""
        from gruta.tasks.generate.generation import spoken

        trained, o = self._fitted(), resolve(GenerateOptions, {"prompt": prompt, **how})
        return spoken(
            trained.head,
            trained.codec,
            o.prompt,
            sampling(o),
            length=o.length,
            seed=o.seed,
            stops=o.stop,
        )

    @as_usual()
    def score(self, data: Any, y: None = None, *, dynamic: float = 0.0) -> float:
        """Minus the bits a character of these texts: more is better, as in scikit-learn.

        dynamic: the learning rate at which the network goes on learning from each text, every
        stretch once it is scored; what was fitted stays as it is.
        """
        o = resolve(ScoreOptions, {"dynamic": dynamic})
        return -float(TASK.scored(self._fitted(), data, o.dynamic).scores[0].bits)

    @as_usual()
    def evaluate(self, data: Any, *, train: Any = None) -> "Evaluation":
        """Scores beside n-gram models: on the held-out part of what was trained on, or on all.

        train: what was trained on, for the n-gram models, where that is not `data` and cannot be
        read again.
        """
        found: Evaluation = TASK.evaluate(self._fitted(), data, train=train)
        return found

    def xray(self, data: Any) -> "XRay":
        """A look inside the network while it reads the first text of `data`."""
        from gruta.tasks.look import xrayed

        return xrayed(TASK, self._fitted(), data)
