"""A trained translator against what was expected, with the simple models beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from gruta.codec.text.pairs import PairCodec, is_word
from gruta.data.pairs import Pairs
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.settings import resolve
from gruta.tasks.scores import Metric, Scores, lost_to
from gruta.tasks.trained import Trained
from gruta.tasks.translate.answers import search_of
from gruta.tasks.translate.baselines import Simple, simple_models
from gruta.tasks.translate.metrics import METRICS, judged_by
from gruta.tasks.translate.options import SearchOptions
from gruta.tasks.translate.written import Written, written


@dataclass(frozen=True, eq=False)
class Expected:
    """N different sources, and of each what it may become."""

    sources: Sequence[str]
    targets: Sequence[Sequence[str]]
    by_words: bool
    """Whether nearly all are single words."""

    def __len__(self) -> int:
        return len(self.sources)

    def pick(self, some: NDArray[np.int64]) -> "Expected":
        """Those at these places."""
        sources = [self.sources[i] for i in some]
        return Expected(sources, [self.targets[i] for i in some], self.by_words)

    @property
    def for_bleu(self) -> bool:
        """Whether any has a run of four words, without which BLEU is 0 whatever is written."""
        return any(len(one.split()) >= 4 for own in self.targets for one in own)

    @classmethod
    def of(cls, pairs: Pairs) -> "Expected":
        """Those of some pairs."""
        found: dict[str, dict[str, None]] = {}
        for source, target in zip(pairs.sources, pairs.require_targets(), strict=True):
            found.setdefault(source, {})[target] = None
        single = sum(map(is_word, found))
        return cls(list(found), [list(own) for own in found.values()], single > 0.95 * len(found))


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What was expected, what the network wrote `[N]`, and scores.

    simple: what the models answer that know nothing of the network. wrong: of each text how many
    edits it needs, `[N]`.
    """

    expected: Expected
    written: Sequence[Written]
    wrong: Sequence[int]
    simple: Simple
    scores: list[Scores]
    notes: list[str]

    @property
    def metrics(self) -> Sequence[Metric]:
        """The columns of the scores. One decides: whether single words are wholly right, else
        BLEU, or chrF where nothing is as long as what BLEU counts.
        """
        if self.expected.by_words:
            return judged_by("exact")
        return METRICS if self.expected.for_bleu else judged_by("chrf")

    @property
    def lost_to(self) -> list[str]:
        """The simple models that are better."""
        return lost_to(self.scores, self.metrics)

    def frame(self) -> pl.DataFrame:
        """Of each source what was expected, what was written, and how far that is off."""
        expected = [" | ".join(own) for own in self.expected.targets]
        return pl.DataFrame(
            {
                "source": self.expected.sources,
                "expected": expected,
                "written": [one.text for one in self.written],
                "score": [one.score for one in self.written],
                "edits": self.wrong,
            }
        )

    @property
    def renamed(self) -> Mapping[str, str]:
        """None: no column of the data is among those of `frame`."""
        return {}


def evaluate(
    trained: Trained[PairCodec],
    test: Pairs,
    train: Pairs | None,
    *,
    seen: bool = False,
    like: Evaluation | None = None,
    **how: object,
) -> Evaluation:
    """Score the network on `test`, beside simple models that know `train`.

    seen: whether training saw these pairs. like: of another network, trained and scored on the
    same; its simple models are taken as they are. how: see `SearchOptions`.
    """
    options = resolve(SearchOptions, dict(how))
    expected = Expected.of(test)
    own = written(
        trained.head,
        trained.codec,
        expected.sources,
        search_of(options),
        copy=options.copy_unknown,
    )
    texts = [several[0] for several in own]
    simple = like.simple if like else simple_models(train, expected, trained.source)
    answers = {trained.settings.cell: ([one.text for one in texts], trained.head.size)}
    scores = [
        Scores(model, size, measures(said, expected))
        for model, (said, size) in (answers | simple.answers).items()
    ]
    edits = [
        nearest(one.text, own, expected.by_words)[0]
        for one, own in zip(texts, expected.targets, strict=True)
    ]
    notes = [*simple.notes, _signatures(expected)]
    longest = sum(trained.codec.source.count(x) > trained.codec.longest for x in expected.sources)
    if longest:
        cut = _("{count} texts are longer than the {units} units that are read of them.")
        count = number(longest)
        notes.insert(0, cut.format(count=count, units=number(trained.codec.longest)))
    if seen:
        notes.append(_("Training saw these pairs: name the test's file to score on that."))
    return Evaluation(expected, texts, edits, simple, scores, notes)


def measures(said: Sequence[str], expected: Expected) -> dict[str, float | None]:
    """The scores of texts by name; BLEU is None where it could be 0 alone."""
    streams = _streams(expected)
    pairs = list(zip(said, expected.targets, strict=True))
    edits, lengths = zip(*(nearest(one, own, expected.by_words) for one, own in pairs), strict=True)
    return {
        "bleu": float(BLEU().corpus_score(said, streams).score) if expected.for_bleu else None,
        "chrf": float(CHRF().corpus_score(said, streams).score),
        "exact": sum(_plain(one) in map(_plain, own) for one, own in pairs) / len(pairs),
        "edit_rate": sum(edits) / max(sum(lengths), 1),
    }


def _streams(expected: Expected) -> list[list[Any]]:
    """What may be, as sacrebleu takes it: of each text the first, the second, and so on."""
    most = max(map(len, expected.targets))
    return [[own[k] if k < len(own) else None for own in expected.targets] for k in range(most)]


def _signatures(expected: Expected) -> str:
    """How BLEU and chrF are counted, as sacrebleu tells it."""
    scores = BLEU(), CHRF()
    for score in scores:
        score.corpus_score(["x"], [[own[0]] for own in expected.targets[:1]])
    bleu, chrf = (str(score.get_signature()) for score in scores)
    return _("BLEU and chrF by sacrebleu: {bleu}; {chrf}.").format(bleu=bleu, chrf=chrf)


def _plain(text: str) -> str:
    return " ".join(text.split())


def nearest(said: str, expected: Sequence[str], by_words: bool) -> tuple[int, int]:
    """The fewest edits to one of those expected, and how many words that has; of single words
    without blanks, characters.
    """
    lone = by_words and not any(" " in one for one in expected)
    split = list if lone else str.split
    found = [(edits(split(said), split(one)), len(split(one))) for one in expected]
    return min(found, key=lambda one: one[0] / max(one[1], 1))


def edits(a: Sequence[str], b: Sequence[str]) -> int:
    """How many to insert, leave out or replace until a is b (Levenshtein 1966)."""
    row = list(range(len(b) + 1))
    for i, one in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (one != other))
    return row[-1]
