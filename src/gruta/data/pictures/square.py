"""From one picture, whatever its kind of colours, to a square of red, green and blue."""

from typing import Any

import numpy as np
from PIL import ExifTags, Image

from gruta.data.pictures.shots import Frames, Sight
from gruta.locale import translate as _

_TURNED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How what a camera held otherwise is turned, by its note of that."""


def squared(picture: Image.Image, sight: Sight) -> Frames:
    """`[S, S, 3]`: scaled so that the longer side fits, in the middle of the background.

    ValueError for a picture whose numbers are of no known scale.
    """
    turned = _TURNED.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    picture = _of_bytes(picture)
    picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    scale = sight.size / max(picture.size)
    w, h = (max(1, round(side * scale)) for side in picture.size)
    filter_ = Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC
    picture = picture.resize((w, h), filter_, reducing_gap=3.0 if scale < 1 else None)
    if turned is not None:
        picture = picture.transpose(turned)
    ground = Image.new("RGB", (sight.size, sight.size), sight.background)
    corner = ((sight.size - picture.width) // 2, (sight.size - picture.height) // 2)
    ground.paste(picture, corner, picture if picture.mode == "RGBA" else None)
    return np.array(ground)


def _of_bytes(picture: Image.Image) -> Image.Image:
    """With 8 bits a colour; greys of 16 bits keep the upper half."""
    if picture.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    if picture.mode in ("I", "F"):
        values: Any = np.asarray(picture)
        low, high = values.min(), values.max()
        if picture.mode == "F" or low < 0 or high > 65535:
            problem = _("its pixels are numbers from {low} to {high}, of no known scale")
            raise ValueError(problem.format(low=low, high=high))
        return Image.fromarray((values >> 8).astype(np.uint8))
    return picture
