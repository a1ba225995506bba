"""How large the two convolutions in front of a recogniser are."""

from typing import Any

from gruta.codec.audio.speech import SpeechCodec

STRIDES = {1: (1, 1), 2: (2, 1), 3: (3, 1), 4: (2, 2), 6: (3, 2)}
"""Of the two layers in front, by how many frames become one."""


def of_maps(codec: SpeechCodec, settings: Any) -> bool:
    """Whether neighbours in frequency are seen together."""
    if settings.front == "auto":
        return codec.mel is not None
    return bool(settings.front == "maps")


def kernels(settings: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    """How many frames and frequencies a filter of each layer sees; all are odd."""
    one, other = STRIDES[settings.stride]
    return (2 * one + 3, 5), (2 * other + 1, 3)


def wide(settings: Any) -> int:
    """Filters over all channels."""
    return 8 * int(settings.filters)


def bands(channels: int) -> int:
    """Frequencies that are left of so many, halved by each layer."""
    return (channels + 3) // 4


def frames_left(frames: int, settings: Any) -> int:
    """Of a recording's frames, behind both layers."""
    for stride in STRIDES[settings.stride]:
        frames = -(-frames // stride)
    return frames
