"""A speaker's layer over a text's units, for a page that computes it."""

from collections.abc import Sequence
from functools import partial

from gruta.codec.audio.saying import SayingCodec
from gruta.codec.text.graphemes import visible
from gruta.tasks.portrait import LONGEST, Portrait, Sample, stack
from gruta.tasks.speak.look import sign
from gruta.tasks.trained import Trained

_TEXTS = 3


def portrait(trained: Trained[SayingCodec], texts: Sequence[str]) -> Portrait:
    """What reads a text's units, in both directions, and the first texts as the convolutions hand
    them over; what reads its states is attention.
    """
    return Portrait(
        trained.settings.cell,
        stack(trained.weights, "reader"),
        samples=[_sample(trained, text) for text in texts[:_TEXTS]],
    )


def _sample(trained: Trained[SayingCodec], text: str) -> Sample:
    codec = trained.codec
    (numbers,) = trained.head.reader.numbers([text])
    x = trained.head.entering(numbers)[:LONGEST]
    labels = [sign(codec.units.written(int(number))) for number in numbers[:LONGEST]]
    return Sample(partial(str, visible(text)), x=x, labels=labels)
