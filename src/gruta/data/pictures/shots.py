"""Pictures and clips as arrays: each in a square of one size, of a clip some frames.

What is read is bounded before memory is taken for it, whatever a file's header says.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.errors import InputError
from gruta.locale import translate as _

Frames = NDArray[np.uint8]

PICTURES = (
    ".png", ".apng", ".jpg", ".jpeg", ".jfif", ".gif", ".webp", ".avif", ".bmp", ".tif", ".tiff",
    ".ppm", ".pgm", ".pbm", ".pnm",
)  # fmt: skip
VIDEOS = (
    ".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".mpg", ".mpeg", ".ogv", ".3gp", ".wmv",
    ".flv",
)  # fmt: skip


_NEAR = 1e-6
"""Seconds that are no time, but how numbers were rounded."""


@dataclass(frozen=True)
class Sight:
    """How pictures are seen: in squares of `size` pixels, of a clip at most `frames`.

    background: red, green and blue, 0 to 255, of what is transparent, and beside what is no square.
    """

    size: int
    frames: int
    background: tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Shot:
    """A picture, or a clip: frames `[F, S, S, 3]`, and the second at which each is shown `[F]`.

    begin, end: of the clip, in seconds; both 0 of a picture. name: for people.
    """

    frames: Frames
    shown: NDArray[np.float64]
    begin: float
    end: float
    name: str

    @property
    def content(self) -> str:
        """A word for what is seen, the same for shots in which that is the same."""
        digest = hashlib.sha256(repr(self.frames.shape).encode() + self.frames.tobytes())
        digest.update(np.round(self.shown - self.begin, 3).tobytes())
        return digest.hexdigest()


def read_shots(source: Any, sight: Sight, every: float = 0.0, name: str = "") -> list[Shot]:
    """A picture's file, a clip's, a picture of Pillow's, or an array `[h, w]`, `[h, w, 3 or 4]` or
    `[frames, h, w, 3 or 4]` of bytes; InputError where it is none of these.

    every: seconds of a clip after which the next shot begins; 0 for one shot of all of it.
    """
    if not isinstance(source, str | Path):
        from gruta.data.pictures.made import of_array, of_picture

        if hasattr(source, "getexif"):
            return [of_picture(source, sight, name or "picture")]
        return [of_array(source, sight, name or "array")]
    path = Path(source)
    if not path.is_file():
        found = _("a folder") if path.is_dir() else _("no file")
        problem = _("{path}: expected a picture or a clip, found {found}")
        raise InputError(problem.format(path=path, found=found))
    if path.suffix.lower() in VIDEOS:
        from gruta.data.pictures.video import read_video

        return read_video(path, sight, every, name or path.name)
    from gruta.data.pictures.image import read_image

    return read_image(path, sight, every, name or path.name)


@dataclass(frozen=True)
class Stretch:
    """Which frames of a clip are seen, and from when to when it goes, in seconds."""

    places: tuple[int, ...]
    shown: tuple[float, ...]
    begin: float
    end: float


def stretches(
    starts: Sequence[float], end: float, frames: int, every: float = 0.0
) -> list[Stretch]:
    """Of a clip whose frames begin at these seconds, and which is over at `end`: the frames that
    are shown in the middles of `frames` equal parts of it, or all where they are no more; of each
    `every` seconds, if that is not 0.
    """
    first, found = starts[0], list[Stretch]()
    count = max(1, int(np.ceil((end - first) / every - 0.25))) if every and end > first else 1
    edges = [first + k * every for k in range(count)] + [max(end, starts[-1])]
    at = np.asarray(starts) - _NEAR
    for begin, until in pairwise(edges):
        low = max(0, int(np.searchsorted(at, begin, "right")) - 1)
        high = max(low + 1, int(np.searchsorted(at, until - 2 * _NEAR, "left")))
        if high - low <= frames:
            places = list(range(low, high))
        else:
            middles = begin + (np.arange(frames) + 0.5) * (until - begin) / frames
            places = [int(i) for i in np.searchsorted(at, middles, "right") - 1]
            places = sorted({min(max(i, low), high - 1) for i in places})
        shown = tuple(max(starts[i], begin) for i in places)
        found.append(Stretch(tuple(places), shown, begin, until))
    return found


def shots_of(parts: Sequence[Stretch], seen: dict[int, Frames], name: str) -> list[Shot]:
    """The shots of a clip, from its frames `[S, S, 3]` by their place."""
    return [
        Shot(np.stack([seen[i] for i in one.places]), np.array(one.shown), one.begin, one.end, name)
        for one in parts
    ]
