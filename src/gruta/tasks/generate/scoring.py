"""How likely a language model finds any text: `gruta score`."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

import numpy as np

from gruta.codec.text.units import Numbers, Units
from gruta.data.text import Texts
from gruta.tasks.generate.evaluation import Evaluation, Nats, Simple, by_counts, evaluate, scores_of
from gruta.tasks.trained import Trained
from gruta.train import Progress

OpenProgress = Callable[[str, int], AbstractContextManager[Progress]]

DYNAMIC = "dynamic-"
"""What the name of a model begins with that goes on learning from what it is scored on."""


def scored(trained: Trained[Units], texts: Texts) -> Evaluation:
    """Of texts, whatever they are, beside the counts that the run has."""
    codec, mixture = trained.codec, trained.head.mixture
    simple = Simple()
    if mixture is not None:
        models = {f"{mixture.ngram.order}-gram": mixture.ngram}
        simple = by_counts(models, texts, *_numbers(codec, texts))
    like = Evaluation(texts, codec, [], [], simple)
    return evaluate(trained, texts, None, like=like)


def scored_dynamically(
    trained: Trained[Units], texts: Texts, rate: float, progress: OpenProgress
) -> Evaluation:
    """The same, and of models that go on learning from these texts; each text begins with what
    training left.
    """
    from gruta.tasks.generate.dynamic import Learner, with_counts

    found, codec, head = scored(trained, texts), trained.codec, trained.head
    numbers, spelt = _numbers(codec, texts)
    units = sum(map(len, numbers))
    read = [np.concatenate([codec.before, own]) for own in numbers]
    with progress("score", units) as shown:
        learner = Learner(trained, rate, units, shown)
        alone = [learner.nats(own) for own in read]
    cell, size, mixture = trained.settings.cell, head.size, head.mixture
    networks, counted = [scores_of(DYNAMIC + cell, size, texts, alone, spelt)], []
    nats = alone
    if mixture is not None:
        pairs = [with_counts(a, own, mixture) for a, own in zip(alone, read, strict=True)]
        nats, counts = ([pair[k] for pair in pairs] for k in (0, 1))
        gram, more = f"{mixture.ngram.order}-gram", mixture.ngram.parameters
        both = scores_of(f"{DYNAMIC}{cell}+{gram}", size + more, texts, nats, spelt)
        networks.insert(0, both)
        counted = [scores_of(DYNAMIC + gram, more, texts, counts, spelt)]
    simple = replace(found.simple, scores=[*found.simple.scores, *counted])
    costs = [a + b for a, b in zip(nats, spelt, strict=True)]
    return replace(found, nats=costs, scores=[*networks, *found.scores, *counted], simple=simple)


def _numbers(codec: Units, texts: Texts) -> tuple[list[Numbers], Nats]:
    """Of each text its units, and what it costs to spell those that are unknown."""
    numbers = [codec.encode(one.text) for one in texts.texts]
    pairs = zip(texts.texts, numbers, strict=True)
    return numbers, [codec.spelling(one.text, own) for one, own in pairs]
