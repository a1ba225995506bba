"""What a trained classifier says of cases, without PyTorch."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.classes import ClassCodec
from gruta.data.labelled import Cases
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.tasks.trained import Trained


def encoded(codec: ClassCodec, cases: Cases) -> list[NDArray[Any]]:
    """The cases as numbers; InputError where they are of another kind than those trained on."""
    if cases.kind != codec.kind or (cases.kind == "series" and cases.channels != codec.channels):
        problem = _("{source}: expected {expected} as the classifier was trained on; found {found}")
        raise InputError(
            problem.format(
                source=cases.source,
                expected=described(codec.kind, codec.channels),
                found=described(cases.kind, cases.channels),
            )
        )
    return codec.encode(cases.cases)


def described(kind: str, channels: Sequence[str]) -> str:
    """What cases are, for a message."""
    if kind == "text":
        return _("text")
    return _("series with the channels {channels}").format(channels=", ".join(channels))


def probabilities(trained: Trained[ClassCodec], cases: Cases) -> NDArray[np.float64]:
    """`[N, K]`; errors as `encoded`."""
    return trained.codec.probabilities(trained.head(encoded(trained.codec, cases)))


def deciding(trained: Trained[ClassCodec], case: NDArray[Any], most: int = 3) -> list[int]:
    """The steps without which the answer's probability falls most, the first first.

    Each step in turn is taken out of the case as the codec encodes it.
    """
    steps = np.arange(len(case))
    without = [case[steps != k] for k in steps] if len(case) > 1 else [case]
    found = trained.codec.probabilities(trained.head([case, *without]))
    fall = found[0].max() - found[1:, found[0].argmax()]
    return [int(k) for k in np.argsort(-fall, kind="stable")[:most]]
