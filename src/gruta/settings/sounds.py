"""How recordings are read from which sounds are to be made, and what they become."""

from pydantic import BaseModel, Field

from gruta.codec.audio.mel import Mel
from gruta.settings.fields import (
    DATA,
    AudioColumn,
    Bands,
    Channel,
    RecordingsHeldOut,
    TestFile,
    ValidationShare,
)


class SoundSettings(BaseModel):
    """Columns, rate and spectra, and what is held out."""

    audio_column: AudioColumn = ""
    channel: Channel = 0
    rate: int = Field(
        0,
        ge=0,
        le=48_000,
        description="Samples a second of what is made; 0: as many as most recordings have, up to "
        "24,000.",
        json_schema_extra=DATA,
    )
    bands: Bands = 40
    hop: float = Field(
        10.0,
        ge=2,
        le=50,
        description="Milliseconds from a frame to the next.",
        json_schema_extra=DATA,
    )
    test: TestFile = ""
    test_share: RecordingsHeldOut = 0.1
    validation_share: ValidationShare = 0.1


WINDOW = 3.2
"""Hops of a window."""


def mel_of(settings: SoundSettings, rate: int) -> Mel:
    """The spectra of sounds at so many samples a second; InputError where they cannot be."""
    hop = settings.hop / 1000
    plain = Mel(rate, 1, window=WINDOW * hop, hop=hop)
    return Mel(rate, settings.bands, window=WINDOW * hop, hop=hop, fft=2 * plain.size)
