"""Pictures that Python has already: arrays, and Pillow's."""

from typing import Any

import numpy as np
from PIL import Image

from gruta.data.pictures.image import MOST_FRAMES, MOST_PIXELS, still
from gruta.data.pictures.shots import Shot, Sight
from gruta.data.pictures.square import squared
from gruta.errors import InputError
from gruta.locale import translate as _

_SECONDS = 0.1
"""For which each frame of an array is taken to be shown."""


def of_picture(picture: Image.Image, sight: Sight, name: str) -> Shot:
    """One of Pillow's, of a clip the frame at which it stands."""
    if picture.width * picture.height > MOST_PIXELS:
        raise InputError(_("{name}: too large a picture; scale it down").format(name=name))
    try:
        return still(squared(picture, sight), name)
    except (OSError, ValueError) as error:
        problem = _("{name}: not a whole picture ({error})")
        raise InputError(problem.format(name=name, error=error)) from None


def of_array(values: Any, sight: Sight, name: str) -> Shot:
    """`[h, w]`, `[h, w, 3 or 4]`, or frames of these `[F, h, w, 3 or 4]`, of bytes."""
    array = np.asarray(values)
    shapes = array.ndim in (2, 3, 4) and (array.ndim == 2 or array.shape[-1] in (3, 4))
    if array.dtype != np.uint8 or not shapes or not array.size:
        problem = _(
            "{name}: expected a path, a picture, or an array of bytes [h, w, 3] or [frames, h, w, "
            "3], got {dtype} of shape {shape}"
        )
        shape = list(array.shape)
        raise InputError(problem.format(name=name, dtype=array.dtype, shape=shape))
    frames = array if array.ndim == 4 else array[None]
    if len(frames) > MOST_FRAMES:
        problem = _("{name}: a clip of {count} frames; cut it")
        raise InputError(problem.format(name=name, count=len(frames)))
    if len(frames) == 1:
        return still(squared(Image.fromarray(frames[0]), sight), name)
    count = min(len(frames), sight.frames)
    places = ((np.arange(count) + 0.5) * len(frames) / count).astype(int)
    seen = np.stack([squared(Image.fromarray(frames[i]), sight) for i in places])
    return Shot(seen, places * _SECONDS, 0.0, len(frames) * _SECONDS, name)
