"""A captioner from a model file: pictures and clips are told in words, each as a whole."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gruta.codec.pictures.captions import CaptionCodec
from gruta.codec.text.beam import Beam
from gruta.data.pictures.shots import Shot
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runtime import checks
from gruta.runtime.model import Model
from gruta.tasks.caption.written import Written, written

WIDEST = 1000
A_FRAME = 0.1
"""Seconds that a frame of a clip is taken to last."""


class CaptionModel(Model[CaptionCodec]):
    """Says what pictures and clips show."""

    @property
    def size(self) -> int:
        """Pixels of a side, of the squares that it sees."""
        return self.codec.size

    @property
    def languages(self) -> tuple[str, ...]:
        """Those in which it writes."""
        return self.codec.languages

    def __call__(self, pictures: Any, **how: Any) -> list[str]:
        """A caption of each picture of a list; how: see `nbest`."""
        return [several[0].text for several in self.nbest(pictures, best=1, **how)]

    def nbest(
        self,
        pictures: Any,
        *,
        language: str = "",
        best: int = 5,
        beam: int = 5,
        length_penalty: float = 0.6,
    ) -> list[list[Written]]:
        """Of each picture its likeliest captions, the best first, with score and attention.

        pictures: `[S, S, 3]` bytes of red, green and blue, S of `size`; of a clip `[F, S, S, 3]`,
        frames that are shown for a tenth of a second each. language: one of `languages`. beam,
        length_penalty: as in `gruta.codec.text.beam.Beam`. InputError names what does not fit.
        """
        shots = self._shots(pictures)
        told = self.codec.require_language(checks.text("language", language))
        best = checks.whole("best", best, 1, WIDEST)
        width = max(checks.whole("beam", beam, 1, WIDEST), best)
        search = Beam(width, checks.real("length_penalty", length_penalty, 0, 10))
        if not shots:
            return []
        return written(self.head, self.codec, shots, [told] * len(shots), search, best=best)

    def _shots(self, pictures: Any) -> list[Shot]:
        if isinstance(pictures, str | bytes) or not isinstance(pictures, Sequence | np.ndarray):
            problem = _("expected a list of arrays, got {kind}")
            raise InputError(pictures=problem.format(kind=type(pictures).__name__))
        return [self._shot(f"pictures[{i}]", one) for i, one in enumerate(pictures)]

    def _shot(self, name: str, given: Any) -> Shot:
        found, S = np.asarray(given), self.size
        frames = found[None] if found.ndim == 3 else found
        if frames.dtype != np.uint8 or frames.shape[1:] != (S, S, 3) or not len(frames):
            problem = _(
                "expected bytes of shape [{size}, {size}, 3], or with frames before, got {kind} of "
                "shape {shape}"
            )
            told = {"size": S, "kind": found.dtype, "shape": list(found.shape)}
            raise InputError(**{name: problem.format(**told)})
        if found.ndim == 3:
            return Shot(frames, np.zeros(1), 0.0, 0.0, name)
        shown = A_FRAME * np.arange(len(frames), dtype=np.float64)
        return Shot(frames, shown, 0.0, A_FRAME * len(frames), name)


MODEL = CaptionModel
