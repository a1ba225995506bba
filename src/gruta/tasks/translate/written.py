"""What a trained translator makes of texts, without PyTorch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gruta.codec.text.beam import Beam
from gruta.codec.text.beam import Written as Numbered
from gruta.codec.text.graphemes import visible
from gruta.codec.text.pairs import NEVER_SEEN, PairCodec
from gruta.tasks.translate.head import TranslateHead


@dataclass(frozen=True, eq=False)
class Written:
    """A text, how likely it is beside others (`Beam`), and what each of its units attended to
    `[T, S]`, units of the source, the end of which is the last of both.

    score: None of a text that was not written, but remembered.
    """

    text: str
    score: float | None
    units: Sequence[str] = ()
    attention: NDArray[np.float32] | None = None


def written(
    head: TranslateHead,
    codec: PairCodec,
    texts: Sequence[str],
    how: Beam,
    *,
    best: int = 1,
    copy: bool = True,
) -> list[list[Written]]:
    """The likeliest of each text, the best first.

    copy: whether a unit that training has never seen is written as the one most attended to.
    """
    found = head.translated(codec.sources(texts), how, copy)
    return [
        [_written(codec, text, one) for one in several[:best]]
        for text, several in zip(texts, found, strict=True)
    ]


def _written(codec: PairCodec, source: str, one: Numbered) -> Written:
    """A text from numbers; what is unknown is copied along the attention."""
    copied = []
    if (one.numbers == NEVER_SEEN).any():
        read = codec.source.split(source)[: codec.longest]
        at = one.attention[one.numbers == NEVER_SEEN, :-1].argmax(1) if read else []
        copied = [read[i] for i in at]
        if codec.target.units.kind == "words":
            copied = [unit if unit.startswith(" ") else f" {unit}" for unit in copied]
    units = [codec.target.decode([number]) for number in one.numbers]
    return Written(codec.target.decode(one.numbers, copied), one.score, units, one.attention)


def shown_units(codec: PairCodec, text: str) -> list[str]:
    """The units of a source as they are read and can be shown, with its end."""
    units = (visible(unit.strip()) for unit in codec.source.split(text)[: codec.longest])
    return [*(unit or "␣" for unit in units), "↵"]
