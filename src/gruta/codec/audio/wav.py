"""Samples as the bytes of a WAV file."""

import io
import wave

import numpy as np
from numpy.typing import NDArray


def wav(samples: NDArray[np.floating], rate: int) -> bytes:
    """Of samples `[N]` of full scale at -1 and 1, in 16 bits."""
    whole = (np.clip(samples, -1, 1) * 32767).round().astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(whole.tobytes())
    return buffer.getvalue()
