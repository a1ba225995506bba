"""A language model for a page that computes it."""

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gruta.codec.text.sampling import Sampling
from gruta.codec.text.units import Units
from gruta.data.text import Texts
from gruta.tasks.generate.generation import written
from gruta.tasks.generate.names import written_by_itself
from gruta.tasks.portrait import LONGEST, Linear, Portrait, Sample, Vocabulary, stack
from gruta.tasks.trained import Trained

_LENGTH = 200
"""Units of the sample that the model writes itself."""


def portrait(trained: Trained[Units], texts: Texts | None) -> Portrait:
    """Its layers, the end of the last text, and what the model writes itself."""
    weights, codec = trained.weights, trained.codec
    matrix, bias = trained.head.output
    samples = (
        [Sample(partial(str, Path(texts.texts[-1].name).name), _end(codec, texts))] if texts else []
    )
    own = written(trained.head, codec, "", Sampling(temperature=0.7), length=_LENGTH)
    return Portrait(
        trained.settings.cell,
        [one for k in range(trained.settings.layers) for one in stack(weights, f"layers.{k}")],
        embedding=weights["embedding.weight"],
        output=Linear(matrix.T, bias),
        vocabulary=Vocabulary(
            codec.kind, codec.units, partial(_read, codec), before=int(codec.before[0])
        ),
        samples=[*samples, Sample(written_by_itself, own[0])],
    )


def _end(codec: Units, texts: Texts) -> str:
    units = codec.split(texts.texts[-1].text[-LONGEST * 8 :])
    return codec.joined(units[-LONGEST + 1 :])


def _read(codec: Units, text: str) -> tuple[NDArray[np.int64], list[str]]:
    return np.concatenate([codec.before, codec.encode(text)]), ["⟨", *codec.shown(text)]
