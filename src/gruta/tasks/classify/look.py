"""What an X-ray of a classifier runs."""

import torch
from torch import Tensor

from gruta.codec.classes import ClassCodec
from gruta.codec.text.vocabulary import Vocabulary
from gruta.data.labelled import Cases
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import percent
from gruta.tasks.classify.lesson import padded
from gruta.tasks.classify.network import loss
from gruta.tasks.task import Look
from gruta.tasks.trained import Trained


def look(trained: Trained[ClassCodec], cases: Cases, number: int) -> Look:
    """One case; the loss is that of its class or, where that is not known, of the answer."""
    codec, reader = trained.codec, trained.codec.reader
    if not 1 <= number <= len(cases):
        problem = _("expected a case from 1 to {count}, got {number}")
        raise InputError(number=problem.format(count=len(cases), number=number))
    one = cases.pick([number - 1])
    encoded = codec.encode(one.cases)
    x, lengths = padded(encoded)
    sure = codec.probabilities(trained.head(encoded))[0]
    k = int(codec.numbers(one.labels)[0]) if one.labels else int(sure.argmax())
    if k < 0:
        raise InputError(
            _("{source}: case {number}: its class was not trained on").format(
                source=cases.source, number=number
            )
        )
    steps = reader.shown(one.cases[0]) if isinstance(reader, Vocabulary) else range(len(x))

    def of_class(scores: Tensor) -> Tensor:
        return loss(scores, torch.tensor([k]), None)

    return Look(
        trained.network,
        [x, lengths],
        encoded,
        of_class,
        {"layer": list(map(str, steps))[: len(x)]},
        shown=_shown(cases, number),
        answer=f"{codec.labels[int(sure.argmax())]} ({percent(float(sure.max()), 1)})",
    )


def _shown(cases: Cases, number: int) -> str:
    """Which case it is, and its class where that is known."""
    if len(cases) == 1 and cases.kind == "text" and cases.labels is None:
        return ""  # the text itself is all that there is to say
    told = _("case {number} of {source}").format(number=number, source=cases.source)
    name = cases.names[number - 1]
    told += f" ({name})" if name != str(number) else ""
    if cases.labels is None:
        return told
    return told + _(", whose class is {label}").format(label=cases.labels[number - 1])
