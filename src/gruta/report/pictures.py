"""Pictures for a page: frames side by side, and what was looked at left bright."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Frames = NDArray[np.uint8]
_DARK = 0.25
_GAP = 2


def png_of(picture: Frames, scale: int = 1) -> bytes:
    """A PNG of `[h, w, 3]`, each pixel `scale` pixels wide."""
    buffer = io.BytesIO()
    image = Image.fromarray(picture)
    if scale > 1:
        image = image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def side_by_side(frames: Frames) -> Frames:
    """Frames `[F, h, w, 3]` in a row, white between them."""
    F, h, w = frames.shape[:3]
    found = np.full((h, F * (w + _GAP) - _GAP, 3), 255, np.uint8)
    for k, frame in enumerate(frames):
        found[:, k * (w + _GAP) : k * (w + _GAP) + w] = frame
    return found


def lit(frames: Frames, attention: NDArray[np.float32]) -> Frames:
    """Frames `[F, h, w, 3]`, the darker the less was looked there: `[F, a, b]`, of any sum."""
    h, w = frames.shape[1:3]
    most = max(float(attention.max(initial=0)), 1e-12)
    found = np.empty_like(frames)
    for k, own in enumerate(attention):
        share = Image.fromarray((own / most).astype(np.float32))
        light = np.asarray(share.resize((w, h), Image.Resampling.BILINEAR)).clip(0, 1)
        found[k] = (frames[k] * (_DARK + (1 - _DARK) * light[:, :, None])).astype(np.uint8)
    return found
