"""What an X-ray of a language model runs."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gruta.codec.text.sampling import Sampling, probabilities
from gruta.codec.text.units import Units
from gruta.data.text import Texts
from gruta.errors import InputError
from gruta.insight.foretold import Foretold
from gruta.locale import translate as _
from gruta.locale.numbers import number, percent
from gruta.tasks.generate.network import loss
from gruta.tasks.task import Look
from gruta.tasks.trained import Trained

LONGEST = 400
"""Units that are looked at."""

_GUESSES = 5


def look(trained: Trained[Units], texts: Texts) -> Look:
    """The beginning of the first text; the loss is that of its units, as in training."""
    codec, one = trained.codec, texts.texts[0]
    units = codec.encode(one.text)
    if not len(units):
        raise InputError(_("{source}: expected text, found none").format(source=texts.source))
    cut = len(units) > LONGEST
    units = np.concatenate([codec.before, units[:LONGEST]])
    read = torch.from_numpy(units[:, None])
    shown = ["⟨", *codec.shown(one.text)[:LONGEST]]

    logits, _state = trained.head.sequence(units[:, None], trained.head.start(1))
    found = probabilities(logits[:, 0], Sampling())
    came = [codec.visible(int(k)) for k in units[1:]]
    likely = found[np.arange(len(came)), units[1:]].tolist()
    likeliest = [_likely(trained, one) for one in found]

    def of_text(found: tuple[Tensor, object]) -> Tensor:
        return loss(found[0][:-1], read[1:])

    told = _("the first {count} units of {name}").format(count=number(LONGEST), name=one.name)
    return Look(
        trained.network,
        [read],
        units[:, None],
        of_text,
        {f"layers.{k}": shown for k in range(trained.settings.layers)},
        shown=told if cut else "",
        answer=", ".join(f"{unit} ({percent(p, 1)})" for unit, p in likeliest[-1]),
        foretold=tuple(map(Foretold, shown, came, likely, likeliest)),
    )


def _likely(trained: Trained[Units], found: NDArray[np.float64]) -> tuple[tuple[str, float], ...]:
    """The likeliest units, and how likely each is."""
    first = np.argsort(-found, kind="stable")[:_GUESSES]
    return tuple((trained.codec.visible(int(k)), float(found[k])) for k in first)
