"""What stands beside a speaker: a mean spectrum, and the recording whose text is most alike."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gruta.codec.audio.mel import Frames
from gruta.locale import translate as _
from gruta.tasks.sounds import Sounds
from gruta.tasks.speak.parts import spectrum
from gruta.tasks.speak.reading import Reader


@dataclass(frozen=True, eq=False)
class Simple:
    """What each model makes of texts, by its name, and what was left out, for people."""

    spectra: dict[str, Sequence[Frames]]
    notes: list[str]


def simple_models(
    train: Sounds | None, reader: Reader, texts: Sequence[str], source: str | None
) -> Simple:
    """mean: the mean of all frames, as long as so many units take on average. nearest: the training
    part's recording whose text has most runs of three characters in common.
    """
    codec = reader.codec
    if train is None:
        gone = (
            _("{source}, which the network was trained on, is not there any more, or has changed")
            if source
            else _("no file is known of what the network was trained on")
        )
        left = _("The simple models are left out: {gone}. Give it with --train (Python: train=).")
        return Simple({}, [left.format(gone=gone.format(source=source))])
    mean = codec.scaler.mean.astype(np.float32)
    known = [_runs(codec.written_out(text)) for text in train.recordings.texts]
    means, nearest = [], []
    for text, numbers in zip(texts, reader.numbers(texts), strict=True):
        steps = max(1, round(len(numbers) / codec.pace))
        means.append(np.tile(mean, (steps * codec.together, 1)))
        own = _runs(codec.written_out(text))
        alike = [_alike(own, one) for one in known]
        nearest.append(spectrum(train, int(np.argmax(alike))))
    return Simple({"mean": means, "nearest": nearest}, [])


def _runs(text: str) -> Counter[str]:
    around = f"  {text}  "
    return Counter(around[i : i + 3] for i in range(len(around) - 2))


def _alike(one: Counter[str], other: Counter[str]) -> float:
    """Dice's coefficient."""
    return 2 * (one & other).total() / (one.total() + other.total())
