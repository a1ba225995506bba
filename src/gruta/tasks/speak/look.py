"""What an X-ray of a speaker runs."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from gruta.codec.audio.saying import SayingCodec
from gruta.codec.text.graphemes import visible
from gruta.data.audio.recordings import Recordings
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.tasks.sounds import Sounds
from gruta.tasks.speak.lesson import Saying, together
from gruta.tasks.speak.network import loss
from gruta.tasks.speak.parts import read, spectrum, texts_of
from gruta.tasks.speak.saying import say
from gruta.tasks.task import Look
from gruta.tasks.trained import Trained


def look(trained: Trained[SayingCodec], source: Any, number: int) -> Look:
    """One recording as it is said or, where there are texts alone, what the network makes of one.

    Beneath each step of the layer that makes frames stands the unit that attention is at.
    """
    codec = trained.codec
    texts, recordings = asked(trained, source)
    if not 1 <= number <= len(texts):
        problem = _("expected a case from 1 to {count}, got {number}")
        raise InputError(number=problem.format(count=len(texts), number=number))
    text = texts[number - 1]
    made = say(trained.head, text)
    log_mel = made.log_mel
    if recordings is not None:
        log_mel = spectrum(Sounds(recordings.pick([number - 1]), codec.mel), 0)
    (numbers,) = trained.head.reader.numbers([text])
    one = Saying.of(codec, numbers, log_mel)
    batch = together(codec, [one])
    inputs = [batch[name] for name in ("text", "lengths", "before")]
    with torch.no_grad():
        weights = trained.network(*inputs)[2][:, 0].numpy()
    letters = [sign(codec.units.written(int(k))) for k in one.numbers]
    at = [letters[int(k)] for k in weights.argmax(1)]

    def of_frames(found: tuple[Tensor, ...]) -> Tensor:
        return loss(found, batch["wanted"], batch["counts"])

    shown = _("text {number}: “{text}”").format(number=number, text=visible(text))
    answer = _("{seconds} s, in {steps} steps, attention from “{first}” to “{last}”").format(
        seconds=round(made.seconds, 2),
        steps=sum(len(own.attention) for own in made.spectra),
        first=letters[int(np.argmax(weights[0]))],
        last=letters[int(np.argmax(weights[-1]))],
    )
    return Look(
        trained.network,
        inputs,
        tuple(one.numpy() for one in inputs),
        of_frames,
        {"reader": letters, "follower": at, "maker": at},
        shown=shown,
        answer=answer,
    )


def asked(trained: Trained[SayingCodec], source: Any) -> tuple[list[str], Recordings | None]:
    """Texts, and the recordings of them where there are any."""
    if not isinstance(source, Recordings):
        lines = isinstance(source, list) or str(source).endswith(".txt")
        if lines:
            return texts_of(source, trained.settings), None
        source = read(source, trained.settings)
    return source.texts, source


def sign(unit: str) -> str:
    """A unit as people see it."""
    return {" ": "␣", "\n": "¶"}.get(unit, visible(unit))
