"""CIDEr-D: how like what people say of a picture a caption is (Vedantam et al. 2015,
arXiv:1411.5726).

Words and runs of two, three and four of them are counted, each weighing more the fewer pictures
have it in what is expected: log(N / max(1, pictures with it)). For runs of n words, of a caption c
and one expected r,

    s_n = Σ min(c_w, r_w) r_w / (|c| |r|) · exp(−(words of c − words of r)² / 72)

over the weighted counts of runs; |·| is the length of all of them. A picture's score is ten times
the mean of s_n over what is expected and n = 1 … 4. Words are small letters without marks.
"""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_LONGEST = 4
_SPREAD = 6.0
_WORD = re.compile(r"\w+(?:['’-]+\w+)*")

Run = tuple[str, ...]


def words_of(text: str) -> list[str]:
    """The words of a caption."""
    return _WORD.findall(text.lower())


class Cider:
    """Scores against what is expected: of each picture one caption or several."""

    def __init__(self, expected: Sequence[Sequence[str]]) -> None:
        counts = [[_runs(text) for text in own] for own in expected]
        spread = Counter(run for own in counts for run in {run for one in own for run in one})
        self._spread, self._all = spread, float(np.log(max(len(expected), 1)))
        self._expected = [[self._weighted(one) for one in own] for own in counts]

    def __call__(self, said: Sequence[str]) -> NDArray[np.float64]:
        """Of each picture's caption `[N]`."""
        found = [
            np.mean([self._alike(mine, one) for one in own]) if own else 0.0
            for mine, own in zip(map(self._of, said), self._expected, strict=True)
        ]
        return 10 * np.array(found)

    def _of(self, text: str) -> "_Weighted":
        return self._weighted(_runs(text))

    def _weighted(self, counts: Counter[Run]) -> "_Weighted":
        parts: list[dict[Run, float]] = [{} for _n in range(_LONGEST)]
        words = 0
        for run, count in counts.items():
            rarity = self._all - np.log(max(1.0, self._spread[run]))
            parts[len(run) - 1][run] = count * float(rarity)
            words += count if len(run) == 1 else 0
        return _Weighted(parts, words)

    @staticmethod
    def _alike(said: "_Weighted", expected: "_Weighted") -> float:
        found = 0.0
        for mine, other, a, b in zip(
            said.parts, expected.parts, said.sizes, expected.sizes, strict=True
        ):
            if a and b:
                shared = sum(
                    min(w, other[run]) * other[run] for run, w in mine.items() if run in other
                )
                found += shared / (a * b)
        apart = said.words - expected.words
        return found / _LONGEST * float(np.exp(-(apart**2) / (2 * _SPREAD**2)))


class _Weighted:
    """The weighted runs of a text, by how many words they have."""

    def __init__(self, parts: list[dict[Run, float]], words: int) -> None:
        self.parts, self.words = parts, words
        self.sizes = [float(np.sqrt(sum(w * w for w in own.values()))) for own in parts]


def _runs(text: str) -> Counter[Run]:
    words = words_of(text)
    return Counter(
        tuple(words[i : i + n]) for n in range(1, _LONGEST + 1) for i in range(len(words) - n + 1)
    )
