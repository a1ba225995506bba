"""A trained captioner against what was expected, with the simple models beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from gruta.codec.pictures.captions import CaptionCodec
from gruta.data.pictures.captioned import Captioned
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.settings import resolve
from gruta.tasks.caption.answers import search_of
from gruta.tasks.caption.baselines import Simple, simple_models
from gruta.tasks.caption.expected import Expected
from gruta.tasks.caption.memory import training_of, with_memory
from gruta.tasks.caption.metrics import METRICS, judged_by
from gruta.tasks.caption.options import SearchOptions
from gruta.tasks.caption.scores import Counted, Difference, counted, difference, signature
from gruta.tasks.caption.written import Written, written
from gruta.tasks.scores import Metric, Scores, lost_to
from gruta.tasks.trained import Trained


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What was expected, what the network wrote `[N]`, scores of all and of each language, and how
    far the network is from each simple model.
    """

    expected: Expected
    written: Sequence[Written]
    counted: Mapping[str, Counted]
    simple: Simple
    scores: list[Scores]
    by_language: Mapping[str, list[Scores]]
    differences: Sequence[Difference]
    notes: list[str]

    @property
    def metrics(self) -> Sequence[Metric]:
        """The columns of the scores. One decides: BLEU, or whether all is right where nothing is
        as long as what BLEU counts.
        """
        return METRICS if self.expected.for_bleu else judged_by("exact")

    @property
    def lost_to(self) -> list[str]:
        """The simple models that are better."""
        return lost_to(self.scores, self.metrics)

    def frame(self) -> pl.DataFrame:
        """Of each picture what was expected, what was written, and how good that is."""
        own = next(iter(self.counted.values()))
        return pl.DataFrame(
            {
                "picture": [shot.name for shot in self.expected.shots],
                "language": list(self.expected.languages),
                "expected": [" | ".join(texts) for texts in self.expected.captions],
                "written": [one.text for one in self.written],
                "score": [one.score for one in self.written],
                "cider": own.cider.tolist(),
                "exact": own.exact.tolist(),
            }
        )

    @property
    def renamed(self) -> Mapping[str, str]:
        """None: no column of the data is among those of `frame`."""
        return {}


def evaluate(
    trained: Trained[CaptionCodec],
    test: Captioned,
    train: Captioned | None,
    *,
    seen: bool = False,
    like: Evaluation | None = None,
    **how: object,
) -> Evaluation:
    """Score the network on `test`, beside simple models that know `train`.

    seen: whether training saw these pictures. like: of another network, trained and scored on the
    same; what its simple models say is taken as it is.
    """
    options = resolve(SearchOptions, dict(how))
    codec = trained.codec
    asked = [codec.require_language(options.language)] if options.language else codec.languages
    expected = Expected.of(test, [name for name in asked if name in test.captions])
    texts: Sequence[Sequence[Written]]
    texts = written(trained.head, codec, expected.shots, expected.languages, search_of(options))
    known = (train or training_of(trained)) if options.memory else None
    if known:
        texts = with_memory(trained, known, expected.shots, expected.languages, texts)
    own = [several[0] for several in texts]
    simple = (
        like.simple if like else simple_models(train, expected, trained.head.seen, trained.source)
    )
    said: dict[str, Sequence[str]] = {trained.settings.cell: [one.text for one in own]}
    said |= simple.answers
    stats = {model: counted(texts, expected) for model, texts in said.items()}
    sizes = {trained.settings.cell: trained.head.size}
    every = np.arange(len(expected))
    scores = _scores(stats, sizes, every, expected.for_bleu)
    by_language = {
        name: _scores(stats, sizes, np.flatnonzero(_is(expected, name)), expected.for_bleu)
        for name in dict.fromkeys(expected.languages)
    }
    network, *others = stats
    differences = [
        difference(other, stats[network], stats[other], expected.shots) for other in others
    ]
    notes = [*simple.notes, signature(expected.captions)]
    if known:
        notes.append(_from_memory(own))
    if seen:
        notes.append(_("Training saw these pictures: name the test's file to score on that."))
    return Evaluation(expected, own, stats, simple, scores, by_language, differences, notes)


def _from_memory(own: Sequence[Written]) -> str:
    told = _("{count} of {all} captions are those of nearly the same picture of the training data.")
    return told.format(count=number(sum(one.score is None for one in own)), all=number(len(own)))


def _is(expected: Expected, language: str) -> Any:
    return np.array([own == language for own in expected.languages])


def _scores(
    stats: Mapping[str, Counted], sizes: Mapping[str, int], at: Any, for_bleu: bool
) -> list[Scores]:
    found = []
    for model, own in stats.items():
        values: dict[str, float | None] = {
            "bleu": own.bleu(at) if for_bleu else None,
            "cider": float(own.cider[at].mean()),
            "exact": float(own.exact[at].mean()),
        }
        found.append(Scores(model, sizes.get(model, 0), values))
    return found
