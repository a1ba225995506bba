"""What an X-ray of a language model runs."""

import numpy as np
import torch
from torch import Tensor

from gruta.codec.text.sampling import Sampling, probabilities
from gruta.codec.text.units import Units
from gruta.data.text import Texts
from gruta.errors import InputError
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
        answer=_guesses(trained, units),
    )


def _guesses(trained: Trained[Units], units: np.ndarray) -> str:
    """The likeliest units behind the text."""
    logits, _state = trained.head.read(units)
    found = probabilities(logits, Sampling())[0]
    first = np.argsort(-found, kind="stable")[:_GUESSES]
    shown = trained.codec.visible
    return ", ".join(f"{shown(int(k))} ({percent(float(found[k]), 1)})" for k in first)
