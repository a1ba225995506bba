"""What an X-ray of a captioner runs."""

import numpy as np
import torch
from torch import Tensor

from gruta.codec.pictures.captions import CaptionCodec
from gruta.codec.text.beam import Beam
from gruta.codec.text.graphemes import visible
from gruta.data.pictures.captioned import Captioned
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number as written_number
from gruta.nn.stack import Recurrent
from gruta.nn.writing import loss
from gruta.tasks.caption.written import written
from gruta.tasks.task import Look
from gruta.tasks.trained import Trained


def look(trained: Trained[CaptionCodec], data: Captioned, number: int) -> Look:
    """One picture; the loss is that of its caption or, where that is not known, of the answer."""
    codec = trained.codec
    if not 1 <= number <= len(data):
        problem = _("expected a case from 1 to {count}, got {number}")
        raise InputError(number=problem.format(count=len(data), number=number))
    shot = data.shots[number - 1]
    known = {n: own[number - 1] for n, own in data.captions.items() if n in codec.languages}
    language = next((name for name, texts in known.items() if texts), codec.languages[0])
    answer = written(trained.head, codec, [shot], [language], Beam())[0][0].text
    target = known.get(language) or (answer,)
    y = codec.side.encode(target[0], codec.longest)
    before = np.append(codec.begin(language), y[:-1])[:, None]
    arrays = (*codec.read([shot]), before)

    def of_target(found: tuple[Tensor, Tensor]) -> Tensor:
        return loss(found[0][:, 0], torch.from_numpy(y))

    said = ["↵", *(visible(codec.side.decode([k])) or "␣" for k in y[:-1])]
    frames = [_("{s} s").format(s=written_number(float(t), 2)) for t in shot.shown]
    labels = {"reader": frames, "below": said, "above": said}
    network = trained.network
    seen = {n for n, one in network.named_modules() if isinstance(one, Recurrent)}
    told = _("case {number} of {source}").format(number=number, source=data.source)
    return Look(
        network,
        [torch.from_numpy(a) for a in arrays],
        arrays,
        of_target,
        {name: own for name, own in labels.items() if name in seen},
        shown=shot.name if len(data) == 1 else f"{told}: {shot.name}",
        answer=visible(answer),
    )
