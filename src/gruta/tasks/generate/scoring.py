"""How likely a language model finds any text: `gruta score`."""

from dataclasses import replace

import numpy as np

from gruta.codec.text.units import Units
from gruta.data.text import Texts
from gruta.tasks.generate.evaluation import Evaluation, Simple, evaluate, scores_of
from gruta.tasks.trained import Trained
from gruta.train import Progress

DYNAMIC = "dynamic-"
"""What the name of a model begins with that goes on learning from what it is scored on."""


def scored(trained: Trained[Units], texts: Texts) -> Evaluation:
    """Of texts, whatever they are, beside the counts that the run has."""
    codec, mixture = trained.codec, trained.head.mixture
    simple = Simple()
    if mixture is not None:
        nats, spelt = [], []
        for one in texts.texts:
            numbers = codec.encode(one.text)
            nats.append(-np.log(mixture.ngram.probabilities(numbers)))
            spelt.append(codec.spelling(one.text, numbers))
        name, size = f"{mixture.ngram.order}-gram", mixture.ngram.parameters
        costs = [a + b for a, b in zip(nats, spelt, strict=True)]
        simple = Simple([scores_of(name, size, texts, nats, spelt)], costs)
    like = Evaluation(texts, codec, [], [], simple)
    return evaluate(trained, texts, None, like=like)


def scored_dynamically(
    trained: Trained[Units], texts: Texts, rate: float, progress: Progress
) -> Evaluation:
    """The same, and of models that go on learning from these texts; each text begins with what
    training left.
    """
    from gruta.tasks.generate.dynamic import Learner, with_counts

    found, codec, head = scored(trained, texts), trained.codec, trained.head
    numbers = [codec.encode(one.text) for one in texts.texts]
    spelt = [codec.spelling(one.text, own) for one, own in zip(texts.texts, numbers, strict=True)]
    learner = Learner(trained, rate, sum(map(len, numbers)), progress)
    read = [np.concatenate([codec.before, own]) for own in numbers]
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
