"""A translator's reader for a page that computes it."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from gruta.codec.text.pairs import END, NEVER_SEEN, OWN, PairCodec
from gruta.data.pairs import Pairs
from gruta.tasks.portrait import Portrait, Sample, Vocabulary, stack
from gruta.tasks.trained import Trained
from gruta.tasks.translate.written import shown_units

_TEXTS = 3


def portrait(trained: Trained[PairCodec], pairs: Pairs | None) -> Portrait:
    """The layers that read, in both directions, and some sources; what reads them is attention."""
    codec, weights = trained.codec, trained.weights
    units = codec.source.units
    texts = [] if pairs is None else list(dict.fromkeys(pairs.sources[-100:]))[-_TEXTS:]
    return Portrait(
        trained.settings.cell,
        stack(weights, "reader"),
        embedding=weights.get("source.weight", weights["target.weight"]),
        vocabulary=Vocabulary(
            units.kind,
            units.units,
            partial(_read, codec),
            first=OWN + 1,
            unknown=NEVER_SEEN,
            after=END,
        ),
        samples=[Sample(partial(str, text), text) for text in texts],
    )


def _read(codec: PairCodec, text: str) -> tuple[NDArray[np.int64], list[str]]:
    return codec.sources([text])[0], shown_units(codec, text)
