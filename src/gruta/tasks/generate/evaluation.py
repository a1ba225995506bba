"""How likely a trained language model finds a text, beside how often units follow one another."""

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gruta.codec.text.ngram import MOST_COUNTED, NGram, best
from gruta.codec.text.units import UNKNOWN, Numbers, Units
from gruta.data.text import Texts
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number, percent
from gruta.tasks.generate.metrics import METRICS
from gruta.tasks.generate.parts import TextsInParts
from gruta.tasks.scores import Scores, lost_to
from gruta.tasks.trained import Trained

Nats = list[NDArray[np.float64]]
"""Of each text, what each of its units costs."""


@dataclass(frozen=True)
class Surprise:
    """A unit that came against expectation: what stood before it, and what was expected."""

    text: str
    place: int
    before: str
    came: str
    nats: float


@dataclass(frozen=True, eq=False)
class Simple:
    """Scores of n-gram models, which know nothing of the network, and the nats of the last.

    left: units of the training part that were not counted, as they are too many.
    """

    scores: list[Scores] = field(default_factory=list)
    nats: Nats = field(default_factory=list)
    left: int = 0


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Texts, of each the nats of its units by the network, and scores of all models."""

    texts: Texts
    codec: Units
    nats: Nats
    scores: list[Scores]
    simple: Simple = field(default_factory=Simple)
    notes: list[str] = field(default_factory=list)

    @property
    def lost_to(self) -> list[str]:
        """The simple models under which the text is likelier."""
        return lost_to([self.scores[0], *self.simple.scores], METRICS)

    def frame(self) -> pl.DataFrame:
        """A row a unit: its text, its place there, itself, and its nats."""
        frames = [
            pl.DataFrame(
                {
                    "text": [one.name] * len(nats),
                    "place": np.arange(1, len(nats) + 1),
                    "unit": self.codec.shown(one.text),
                    "nats": nats,
                }
            )
            for one, nats in zip(self.texts.texts, self.nats, strict=True)
        ]
        return pl.concat(frames)

    @property
    def renamed(self) -> Mapping[str, str]:
        """None: no column is the data's."""
        return {}

    def surprises(self, most: int = 10, around: int = 40) -> list[Surprise]:
        """The units that cost most, the first first; no two of one stretch of `around` units."""
        found: list[Surprise] = []
        kept: list[tuple[int, int]] = []
        split = functools.cache(lambda k: self.codec.split(self.texts.texts[k].text))
        for k, i in self._costliest():
            if len(found) == most:
                break
            if any(k == own and abs(i - at) < around for own, at in kept):
                continue
            kept.append((k, i))
            units, name = split(k), self.texts.texts[k].name
            before = self.codec.joined(units[max(0, i - around) : i])
            came = self.codec.joined(units[i : i + 1])
            found.append(Surprise(name, i + 1, before, came, float(self.nats[k][i])))
        return found

    def _costliest(self) -> Iterator[tuple[int, int]]:
        lengths = np.cumsum([0, *map(len, self.nats)])
        for at in np.argsort(-np.concatenate(self.nats), kind="stable"):
            k = int(np.searchsorted(lengths, at, "right")) - 1
            yield k, int(at - lengths[k])


def evaluate(
    trained: Trained[Units],
    test: Texts,
    known: TextsInParts | None,
    *,
    seen: bool = False,
    like: Evaluation | None = None,
) -> Evaluation:
    """Score the network on `test`, and n-gram models of what it was trained on, if that is known.

    seen: whether training saw these texts. like: of another network, trained and scored on the
    same; its n-gram models are taken as they are.
    """
    codec, head = trained.codec, trained.head
    numbers = [codec.encode(one.text) for one in test.texts]
    if not numbers:
        problem = _("{source}: nothing is left to score on; give a text, or a test share above 0")
        raise InputError(problem.format(source=test.source))
    read = [np.concatenate([codec.before, own]) for own in numbers]
    alone = [head.network_nats(own) for own in read]
    nats = alone
    if head.mixture is not None:
        nats = [head.mixture.nats(a, own) for a, own in zip(alone, read, strict=True)]
    spelt = [codec.spelling(one.text, n) for one, n in zip(test.texts, numbers, strict=True)]
    counts = head.mixture.ngram if head.mixture is not None else None
    simple = like.simple if like else simple_models(codec, known, test, numbers, spelt, counts)
    cell, size = trained.settings.cell, head.size
    networks = [scores_of(cell, size, test, alone, spelt)]
    if counts is not None:
        model = f"{cell}+{counts.order}-gram"
        networks.insert(0, scores_of(model, size + counts.parameters, test, nats, spelt))
    notes = [*_unknown(numbers), *([] if known or like else [_no_simple_models()])]
    if head.mixture is not None:
        told = _("The network weighs {share} beside the counts, as the validation part likes best.")
        notes.append(told.format(share=percent(head.mixture.share, 1)))
    if simple.left:
        told = _("The n-gram models count the last {count} units of the training part alone.")
        notes.append(told.format(count=number(MOST_COUNTED)))
    if seen:
        notes.append(_("Training saw this text: name another one to score on that."))
    costs = [a + b for a, b in zip(nats, spelt, strict=True)]
    return Evaluation(test, codec, costs, [*networks, *simple.scores], simple, notes)


def simple_models(
    codec: Units,
    known: TextsInParts | None,
    test: Texts,
    numbers: Sequence[Numbers],
    spelt: Nats,
    counts: NGram | None = None,
) -> Simple:
    """How often units come, and the n-gram model of the order that suits the validation part:
    `counts`, where the run has them.
    """
    if known is None:
        return Simple()
    train, held = (
        [codec.encode(one.text) for one in part.texts] for part in (known.train, known.validation)
    )
    kept = last(train, MOST_COUNTED)
    models = {"unigram": NGram.count(kept, codec.size, 1)}
    found = counts or best(kept, codec.size, held)
    models[f"{found.order}-gram"] = found
    left = sum(map(len, train)) - sum(map(len, kept))
    return replace(by_counts(models, test, numbers, spelt), left=left)


def by_counts(
    models: Mapping[str, NGram], test: Texts, numbers: Sequence[Numbers], spelt: Nats
) -> Simple:
    """What n-gram models make of texts, by their names."""
    scores, nats = [], []
    for name, model in models.items():
        nats = [-np.log(model.probabilities(own)) for own in numbers]
        scores.append(scores_of(name, model.parameters, test, nats, spelt))
    return Simple(scores, [a + b for a, b in zip(nats, spelt, strict=True)])


def last(texts: Sequence[Numbers], most: int) -> list[Numbers]:
    """Their last units, in order, at most so many."""
    kept: list[Numbers] = []
    for text in reversed(texts):
        if most > 0:
            kept.append(text[-most:])
        most -= len(text)
    return kept[::-1]


def scores_of(model: str, size: int, test: Texts, nats: Nats, spelt: Nats) -> Scores:
    """A model's, of so many numbers. nats: of each text, what its units cost; spelt: and what it
    costs to spell those that are unknown.
    """
    units = sum(map(len, nats))
    total = float(sum(a.sum() + b.sum() for a, b in zip(nats, spelt, strict=True)))
    values = {
        "bits": total / math.log(2) / test.length,
        "nats": total / test.length,
        "nats_a_unit": total / units,
        "perplexity": float(np.exp(min(total / units, 700.0))),
    }
    return Scores(model, size, values)


def _unknown(numbers: Sequence[Numbers]) -> Iterator[str]:
    unknown = sum(int((own == UNKNOWN).sum()) for own in numbers)
    if unknown:
        told = _(
            "{share} of the units are unknown to the network: each is spelt out, at what any "
            "character costs."
        )
        yield told.format(share=percent(unknown / sum(map(len, numbers)), 2))


def _no_simple_models() -> str:
    return _(
        "N-gram models are left out: what the network was trained on is not there any more, or "
        "has changed. Give it with --train (Python: train=)."
    )
