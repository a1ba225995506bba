"""How recordings are read from which sounds are to be made, and what they become."""

from pydantic import BaseModel, Field

from gruta.codec.audio.mel import Mel
from gruta.settings.fields import DATA


class SoundSettings(BaseModel):
    """Columns, rate and spectra, and what is held out."""

    audio_column: str = Field(
        "",
        description="Column of the recordings' files.",
        json_schema_extra=DATA | {"shown": "the one that names files"},
    )
    channel: int = Field(
        0,
        ge=0,
        le=64,
        description="Channel that is heard of several, from 1; 0: their mean.",
        json_schema_extra=DATA,
    )
    rate: int = Field(
        0,
        ge=0,
        le=48_000,
        description="Samples a second of what is made; 0: as many as most recordings have, up to "
        "24,000.",
        json_schema_extra=DATA,
    )
    bands: int = Field(
        40,
        gt=0,
        le=512,
        description="Mel bands of a sound's spectrum.",
        json_schema_extra=DATA,
    )
    hop: float = Field(
        10.0,
        ge=2,
        le=50,
        description="Milliseconds from a frame to the next.",
        json_schema_extra=DATA,
    )
    test: str = Field(
        "", description="File of the test, if it has its own.", json_schema_extra=DATA
    )
    test_share: float = Field(
        0.1,
        ge=0,
        lt=0.5,
        description="Share of the recordings that training never sees, where the test has no file.",
        json_schema_extra=DATA,
    )
    validation_share: float = Field(
        0.1,
        gt=0,
        lt=0.5,
        description="Share of the rest to pick the best weights.",
        json_schema_extra=DATA,
    )


WINDOW = 3.2
"""Hops of a window."""


def mel_of(settings: SoundSettings, rate: int) -> Mel:
    """The spectra of sounds at so many samples a second; InputError where they cannot be."""
    hop = settings.hop / 1000
    plain = Mel(rate, 1, window=WINDOW * hop, hop=hop)
    return Mel(rate, settings.bands, window=WINDOW * hop, hop=hop, fft=2 * plain.size)
