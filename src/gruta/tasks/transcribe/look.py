"""What an X-ray of a recogniser runs."""

import numpy as np
import torch
from torch import Tensor

from gruta.codec.audio.ctc import BLANK, align, log_softmax
from gruta.codec.audio.speech import SpeechCodec
from gruta.codec.text.graphemes import visible
from gruta.data.audio.recordings import Recordings
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.settings import resolve
from gruta.tasks.task import Look
from gruta.tasks.trained import Trained
from gruta.tasks.transcribe.heard import in_scores
from gruta.tasks.transcribe.network import loss
from gruta.tasks.transcribe.options import SearchOptions
from gruta.tasks.transcribe.parts import frames_of


def look(trained: Trained[SpeechCodec], recordings: Recordings, number: int) -> Look:
    """One recording; the loss is that of what is said or, where that is not known, of the answer.

    Beneath each step stands the character that it says, by the likeliest path, or a dot.
    """
    codec = trained.codec
    if not 1 <= number <= len(recordings):
        problem = _("expected a case from 1 to {count}, got {number}")
        raise InputError(number=problem.format(count=len(recordings), number=number))
    one = recordings.utterances[number - 1]
    x = codec.encode(frames_of(recordings, number - 1, codec.mel))
    if not len(x):
        problem = _("{name}: shorter than a frame; nothing can be heard in it")
        raise InputError(problem.format(name=one.name))
    (scores,) = trained.head.scores([x])
    log_p = log_softmax(scores)
    answer = in_scores(trained.head, codec, log_p, resolve(SearchOptions, {}))[0]
    assert answer.alignment is not None
    numbers = answer.alignment.text if one.text is None else codec.numbers(one.text)
    try:
        found = align(log_p, numbers)
    except ValueError as error:
        raise InputError(f"{one.name}: {error}") from None

    def of_text(heard: tuple[Tensor, Tensor]) -> Tensor:
        counts = torch.tensor([len(numbers)])
        truth = torch.from_numpy(numbers if len(numbers) else np.array([BLANK]))[None]
        return loss(heard[0], heard[1], truth, counts).sum() / max(len(numbers), 1)

    said = ["·"] * len(log_p)
    for unit, first, last in zip(numbers.tolist(), found.first, found.last, strict=True):
        sign = visible(codec.units.written(unit))
        said[int(first) : int(last) + 1] = ["␣" if sign == " " else sign] * int(last - first + 1)
    lengths = np.array([len(x)])
    shown = _("recording {number} of {source} ({name})").format(
        number=number, source=recordings.source, name=one.name
    )
    if one.text is not None:
        shown += _(", which says “{text}”").format(text=visible(codec.spell(one.text)))
    return Look(
        trained.network,
        [torch.from_numpy(x[:, None]), torch.from_numpy(lengths)],
        (x[:, None], lengths),
        of_text,
        {f"layers.{k}": said for k in range(trained.settings.layers)},
        shown=shown,
        answer=visible(answer.text) or "–",
    )
