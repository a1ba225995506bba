"""A translation memory: what stands beside a text, or beside the one most like it."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gruta.codec.text.vocabulary import words_of

LONGEST_GRAM = 4


def remembered_as(sources: Sequence[str], targets: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """What stands beside each text, the most frequent first."""
    found: dict[str, Counter[str]] = {}
    for text, other in zip(sources, targets, strict=True):
        found.setdefault(" ".join(text.split()), Counter())[other] += 1
    return {text: tuple(one for one, _n in own.most_common()) for text, own in found.items()}


class Memory:
    """Texts, found again by one that is like them: by the cosine between their words, or between
    the runs of characters of single words, the rarer weighing more.
    """

    def __init__(self, texts: Sequence[str], by_characters: bool) -> None:
        self._by_characters = by_characters
        counted = [Counter(self._marks(text)) for text in texts]
        spread = Counter(mark for own in counted for mark in own)
        self._weight = {m: float(np.log(1 + len(texts) / n)) for m, n in spread.items()}
        places: dict[str, list[int]] = {}
        values: dict[str, list[float]] = {}
        for i, own in enumerate(counted):
            weights = {mark: (1 + np.log(n)) * self._weight[mark] for mark, n in own.items()}
            norm = max(float(np.sqrt(sum(w * w for w in weights.values()))), 1e-9)
            for mark, weight in weights.items():
                places.setdefault(mark, []).append(i)
                values.setdefault(mark, []).append(weight / norm)
        self._size = len(texts)
        self._found: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = {
            mark: (np.array(places[mark]), np.array(values[mark])) for mark in places
        }

    def nearest(self, text: str) -> int:
        """The place of the text most like this one, the first of equal ones."""
        scores = np.zeros(self._size)
        for mark, n in Counter(self._marks(text)).items():
            if mark in self._found:
                at, weights = self._found[mark]
                scores[at] += (1 + np.log(n)) * self._weight[mark] * weights
        return int(scores.argmax())

    def _marks(self, text: str) -> list[str]:
        if not self._by_characters:
            return words_of(text.lower())
        whole = f"⟨{text}⟩"
        return [
            whole[i : i + n] for n in range(2, LONGEST_GRAM + 1) for i in range(len(whole) - n + 1)
        ]
