"""What an X-ray of a translator runs."""

import numpy as np
import torch
from torch import Tensor

from gruta.codec.text.beam import Beam
from gruta.codec.text.graphemes import visible
from gruta.codec.text.pairs import END, PairCodec, side_by_side
from gruta.data.pairs import Pairs
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.nn.stack import Recurrent
from gruta.nn.writing import loss
from gruta.tasks.task import Look
from gruta.tasks.trained import Trained
from gruta.tasks.translate.written import shown_units, written


def look(trained: Trained[PairCodec], pairs: Pairs, number: int) -> Look:
    """One text; the loss is that of what it becomes or, where that is not known, of the answer."""
    codec = trained.codec
    if not 1 <= number <= len(pairs):
        problem = _("expected a case from 1 to {count}, got {number}")
        raise InputError(number=problem.format(count=len(pairs), number=number))
    source = pairs.sources[number - 1]
    answer = written(trained.head, codec, [source], Beam())[0][0].text
    target = answer if pairs.targets is None else pairs.targets[number - 1]
    x, lengths = side_by_side(codec.sources([source]))
    y = codec.target.encode(target, 2 * codec.longest)
    before = np.append(END, y[:-1])[:, None]

    def of_target(found: tuple[Tensor, Tensor]) -> Tensor:
        return loss(found[0][:, 0], torch.from_numpy(y))

    said = ["↵", *(visible(codec.target.decode([k])) or "␣" for k in y[:-1])]
    labels = {"reader": shown_units(codec, source), "below": said, "above": said}
    network = trained.network
    seen = {n for n, one in network.named_modules() if isinstance(one, Recurrent)}
    return Look(
        network,
        [torch.from_numpy(a) for a in (x, lengths, before)],
        (x, lengths, before),
        of_target,
        {name: own for name, own in labels.items() if name in seen},
        shown=visible(source if len(pairs) == 1 else _shown(pairs, number)),
        answer=visible(answer),
    )


def _shown(pairs: Pairs, number: int) -> str:
    told = _("case {number} of {source}").format(number=number, source=pairs.source)
    return f"{told}: {pairs.sources[number - 1]}"
