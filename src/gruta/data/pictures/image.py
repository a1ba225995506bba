"""Pictures and clips as Pillow reads them: what it opens by content, whatever a file is called."""

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from gruta.data.pictures.shots import Shot, Sight, shots_of, stretches
from gruta.data.pictures.square import squared
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number

_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP", "DIB", "TIFF", "PPM")
_CLIPS = ("GIF", "PNG", "WEBP", "AVIF")
"""Of these formats several pictures are frames, not pages."""
MOST_PIXELS = 89_478_485
"""Pillow's own limit: a quarter of a gigabyte in red, green and blue."""
MOST_FRAMES = 20_000
_USUAL = 100
"""Milliseconds for which a frame is shown that says nothing, or less than a screen can."""


def read_image(path: Path, sight: Sight, every: float, name: str) -> list[Shot]:
    """A picture, or a clip's stretches of `every` seconds; InputError where it cannot be read."""
    with _opened(path) as picture:
        first = 1 if getattr(picture, "default_image", False) else 0
        count = getattr(picture, "n_frames", 1) - first
        if picture.format not in _CLIPS or count <= 1:
            picture.draft("RGB", (2 * sight.size, 2 * sight.size))
            return [still(squared(picture, sight), name)]
        if count > MOST_FRAMES:
            problem = _("{path}: a clip of {count} frames, the limit is {limit}; cut it")
            limit = number(MOST_FRAMES)
            raise InputError(problem.format(path=path, count=number(count), limit=limit))
        ends = np.cumsum([_milliseconds(picture, first + i) for i in range(count)]) / 1000
    starts = [0.0, *ends[:-1].tolist()]
    parts = stretches(starts, float(ends[-1]), sight.frames, every)
    seen = {}
    with _opened(path) as picture:
        for i in sorted({place for part in parts for place in part.places}):
            picture.seek(first + i)
            seen[i] = squared(picture, sight)
    return shots_of(parts, seen, name)


def still(frame: np.ndarray, name: str) -> Shot:
    """A picture as a shot."""
    return Shot(frame[None], np.zeros(1), 0.0, 0.0, name)


def _milliseconds(picture: Image.Image, place: int) -> float:
    picture.seek(place)
    if picture.format in ("WEBP", "AVIF"):  # which tell it of frames that are decoded
        picture.load()
    told = float(picture.info.get("duration") or 0)
    return told if told > 10 else _USUAL


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """The picture, not decoded yet; InputError where it is none, too large, or not whole."""
    Image.init()
    formats = [name for name in _FORMATS if name in Image.OPEN]  # AVIF not in every build
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is too large is refused below, the rest read
            with Image.open(path, formats=formats) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise _too_large(path, f"{number(picture.width)} × {number(picture.height)}")
                yield picture
    except InputError:
        raise
    except Image.DecompressionBombError:
        raise _too_large(path, _("more than {count}").format(count=number(MOST_PIXELS))) from None
    except UnidentifiedImageError:
        problem = _("{path}: no picture that can be read; expected one of {formats}")
        raise InputError(problem.format(path=path, formats=", ".join(formats))) from None
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error) as error:
        problem = _("{path}: not a whole picture ({error}); write or copy it again")
        raise InputError(problem.format(path=path, error=error)) from None


def _too_large(path: Path, pixels: str) -> InputError:
    problem = _("{path}: a picture of {pixels} pixels, the limit is {limit}; scale it down")
    return InputError(problem.format(path=path, pixels=pixels, limit=number(MOST_PIXELS)))
