"""A translator from a model file: texts become others, each as a whole.

What training data have for a text, the translation memory, is not in a model file.
"""

from typing import Any

from gruta.codec.text.beam import Beam
from gruta.codec.text.pairs import PairCodec
from gruta.runtime import checks
from gruta.runtime.model import Model
from gruta.tasks.translate.written import Written, written

WIDEST = 1000


class TranslateModel(Model[PairCodec]):
    """Makes of a text another one."""

    def __call__(self, texts: Any, **how: Any) -> list[str]:
        """What each text of a list becomes; how: see `nbest`."""
        return [several[0].text if several else "" for several in self.nbest(texts, best=1, **how)]

    def nbest(
        self,
        texts: Any,
        *,
        best: int = 5,
        beam: int = 5,
        length_penalty: float = 0.6,
        coverage: float = 0.0,
        copy_unknown: bool = True,
    ) -> list[list[Written]]:
        """Of each text what it may become, the likeliest first, with score and attention.

        beam: texts that are followed side by side; length_penalty, coverage: as in
        `gruta.codec.text.beam.Beam`. copy_unknown: write what training has not seen as the unit of
        the source most attended to.
        """
        given = checks.texts("texts", texts)
        best = checks.whole("best", best, 1, WIDEST)
        width = max(checks.whole("beam", beam, 1, WIDEST), best)
        search = Beam(
            width,
            checks.real("length_penalty", length_penalty, 0, 10),
            checks.real("coverage", coverage, 0, 100),
        )
        if not given:
            return []
        copy = bool(copy_unknown)
        return written(self.head, self.codec, given, search, best=best, copy=copy)


MODEL = TranslateModel
