"""The simple models that stand beside every score."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gruta.data.pictures.captioned import Captioned
from gruta.data.pictures.shots import Shot
from gruta.locale import translate as _

if TYPE_CHECKING:
    from gruta.tasks.caption.expected import Expected

_SIDE = 24
"""Pixels of a side, by which pictures are compared."""
_FRAMES = 4
_AT_ONCE = 512

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Simple:
    """What each model says, by its name, and what was left out, for people."""

    answers: dict[str, Sequence[str]]
    notes: list[str]


def simple_models(
    train: Captioned | None,
    expected: "Expected",
    seen: Callable[[Sequence[Shot]], Array],
    source: str | None,
) -> Simple:
    """What is said of the picture of the training part that is most alike, by its pixels and by
    what the network's convolutions make of it, and what is said most often.

    seen: from shots what the convolutions make of them `[N, C]`. source: where the training part
    was read, if that is known.
    """
    if train is None:
        gone = (
            _("{source}, which the network was trained on, is not there any more, or has changed")
            if source
            else _("no file is known of what the network was trained on")
        )
        left = _("The simple models are left out: {gone}. Give it with --train (Python: train=).")
        return Simple({}, [left.format(gone=gone.format(source=source))])
    pixels: list[str] = [""] * len(expected)
    features, frequent = list(pixels), list(pixels)
    for language in dict.fromkeys(expected.languages):
        captions = train.captions[language]
        there = [i for i, texts in enumerate(captions) if texts]
        asked = [i for i, own in enumerate(expected.languages) if own == language]
        known = [train.shots[i] for i in there]
        shots = [expected.shots[i] for i in asked]
        counts = Counter(text for i in there for text in captions[i])
        (most, _count), *_rest = counts.most_common(1)
        count = frames_of([*shots, *known])
        near = nearest(thumbnails(shots, count), thumbnails(known, count))
        alike = nearest(_of_length_one(seen(shots)), _of_length_one(seen(known)))
        for k, i in enumerate(asked):
            pixels[i] = captions[there[near[k]]][0]
            features[i] = captions[there[alike[k]]][0]
            frequent[i] = most
    answers = {"pixels": pixels, "features": features, "frequent": frequent}
    return Simple(dict(answers), [])


def frames_of(shots: Sequence[Shot]) -> int:
    """How many frames of each are compared: of pictures alone one."""
    return _FRAMES if any(len(shot.frames) > 1 for shot in shots) else 1


def thumbnails(shots: Sequence[Shot], count: int) -> Array:
    """Of each shot so many small frames, evenly over it, in one row of numbers `[N, ·]`."""
    rows = []
    for shot in shots:
        places = ((np.arange(count) + 0.5) * len(shot.frames) / count).astype(int)
        small = [np.asarray(Image.fromarray(shot.frames[i]).resize((_SIDE, _SIDE))) for i in places]
        rows.append(np.stack(small).ravel())
    return np.array(rows, np.float32) / np.float32(255)


def nearest(asked: Array, known: Array) -> NDArray[np.int64]:
    """Of each row `[N, ·]` the nearest of others `[K, ·]`, the first of equal ones."""
    squares = (known**2).sum(1)
    parts = range(0, len(asked), _AT_ONCE)
    found = [(squares - 2 * asked[k : k + _AT_ONCE] @ known.T).argmin(1) for k in parts]
    return np.concatenate(found)


def distances(rows: Array, others: Array) -> NDArray[np.float64]:
    """The mean square of what each row `[N, ·]` and another one differ by `[N]`."""
    found: NDArray[np.float64] = np.square(rows - others).mean(1, dtype=np.float64)
    return found


def _of_length_one(rows: Array) -> Array:
    found: Array = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return found
