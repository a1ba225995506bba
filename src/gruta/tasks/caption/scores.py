"""How good captions are, counted caption by caption, so that two models can be told apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sacrebleu.metrics.bleu import BLEU

from gruta.data.pictures.shots import Shot
from gruta.locale import translate as _
from gruta.tasks.caption.cider import Cider

if TYPE_CHECKING:
    from gruta.tasks.caption.expected import Expected

_DRAWS = 1000
"""Of pictures, with replacement, for a standard error."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Counted:
    """Of each caption: what BLEU counts (runs found of one to four words, runs in all, words of
    both sides) `[N, 10]`, its CIDEr-D `[N]`, and whether it is one of those expected `[N]`.
    """

    runs: NDArray[np.int64]
    cider: Numbers
    exact: NDArray[np.bool_]

    def bleu(self, at: Any) -> float:
        """Of the captions at these places."""
        return _bleu(self.runs[at].sum(0))


@dataclass(frozen=True)
class Difference:
    """By how much the network is better than a model, with the standard error, by metric: paired,
    over pictures, all captions of which are drawn together.
    """

    model: str
    bleu: tuple[float, float]
    cider: tuple[float, float]
    exact: tuple[float, float]


def counted(said: Sequence[str], expected: "Expected") -> Counted:
    """What one model says, caption by caption; CIDEr's weights are of a language each."""
    bleu = BLEU(effective_order=True)
    runs = np.zeros((len(said), 10), np.int64)
    for i, (text, own) in enumerate(zip(said, expected.captions, strict=True)):
        found = bleu.sentence_score(text, list(own))
        runs[i] = [*found.counts, *found.totals, found.sys_len, found.ref_len]
    cider = np.zeros(len(said))
    for language in dict.fromkeys(expected.languages):
        at = [i for i, own in enumerate(expected.languages) if own == language]
        cider[at] = Cider([expected.captions[i] for i in at])([said[i] for i in at])
    exact = [
        " ".join(text.split()) in own for text, own in zip(said, expected.captions, strict=True)
    ]
    return Counted(runs, cider, np.array(exact))


def difference(model: str, network: Counted, other: Counted, shots: Sequence[Shot]) -> Difference:
    """Of a network to another model, on the same pictures."""
    of_shot = _numbered(shots)
    count = int(of_shot.max()) + 1
    draw = np.random.default_rng(0)
    weights = draw.multinomial(count, np.full(count, 1 / count), _DRAWS)
    drawn = weights[:, of_shot]  # how often each caption is in each draw
    gaps = [
        _bleu(mine) - _bleu(its)
        for mine, its in zip(drawn @ network.runs, drawn @ other.runs, strict=True)
    ]
    every = slice(None)
    bleu = (network.bleu(every) - other.bleu(every), float(np.std(gaps, ddof=1)))
    means = []
    for a, b in ((network.cider, other.cider), (network.exact, other.exact)):
        gap = a.astype(float) - b.astype(float)
        shares = (drawn @ gap) / drawn.sum(1)
        means.append((float(gap.mean()), float(np.std(shares, ddof=1))))
    return Difference(model, bleu, means[0], means[1])


def rows_of(shots: Sequence[Shot]) -> list[NDArray[np.int64]]:
    """Of each picture, in the order of the first caption, which of the captions are its own."""
    of_shot = _numbered(shots)
    order = np.argsort(of_shot, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(of_shot[order])) + 1)


def _numbered(shots: Sequence[Shot]) -> NDArray[np.int64]:
    """Of each caption, which picture it is of."""
    codes: dict[int, int] = {}
    return np.array([codes.setdefault(id(shot), len(codes)) for shot in shots])


def _bleu(sums: Any) -> float:
    """sacrebleu's, from what is counted over all captions."""
    counts, totals = [int(n) for n in sums[:4]], [int(n) for n in sums[4:8]]
    found = BLEU.compute_bleu(counts, totals, int(sums[8]), int(sums[9]), smooth_method="exp")
    return float(found.score)


def signature(captions: Sequence[Sequence[str]]) -> str:
    """How BLEU is counted, as sacrebleu tells it."""
    bleu = BLEU()
    bleu.corpus_score(["x"], [[own[0]] for own in captions[:1]] or [["x"]])
    return _("BLEU by sacrebleu: {bleu}; CIDEr: CIDEr-D.").format(bleu=bleu.get_signature())
