"""The captions that are to be."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gruta.data.pictures.captioned import Captioned
from gruta.data.pictures.shots import Shot


@dataclass(frozen=True, eq=False)
class Expected:
    """N captions to be: of which picture, in which language, and what each may be."""

    shots: Sequence[Shot]
    languages: Sequence[str]
    captions: Sequence[Sequence[str]]

    def __len__(self) -> int:
        return len(self.shots)

    @property
    def for_bleu(self) -> bool:
        """Whether any has a run of four words, without which BLEU is 0 whatever is written."""
        return any(len(one.split()) >= 4 for own in self.captions for one in own)

    def first(self, count: int) -> "Expected":
        """No more than so many, evenly over all."""
        if len(self) <= count:
            return self
        at = [int(i) for i in np.linspace(0, len(self) - 1, count)]
        return Expected(
            [self.shots[i] for i in at],
            [self.languages[i] for i in at],
            [self.captions[i] for i in at],
        )

    @classmethod
    def of(cls, data: Captioned, languages: Sequence[str]) -> "Expected":
        """Those of some pictures, one language after the other."""
        rows = [
            (shot, language, texts)
            for language in languages
            for shot, texts in zip(data.shots, data.captions[language], strict=True)
            if texts
        ]
        shots, names, texts = zip(*rows, strict=True) if rows else ((), (), ())
        return cls(shots, names, texts)
