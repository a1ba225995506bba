"""Recordings as the vocoder learns from them."""

from typing import Any

from gruta.codec.audio.vocoder import VocoderCodec
from gruta.data.audio.recordings import Recordings
from gruta.tasks import sounds
from gruta.tasks.sounds import SoundsInParts
from gruta.tasks.trained import Trained
from gruta.tasks.vocode.settings import VocodeSettings


def read(source: Any, settings: VocodeSettings) -> Recordings:
    """The sounds of whatever holds them; what is said in them is not needed."""
    return sounds.read(source, settings)


def in_parts(recordings: Recordings, settings: VocodeSettings) -> SoundsInParts:
    """Training, validation and test; InputError where they are too few."""
    held = read(settings.test, settings) if settings.test else None
    return sounds.in_parts(recordings, settings, held)


def fitted(parts: SoundsInParts, settings: VocodeSettings) -> VocoderCodec:
    """Spectra, their scale, and how far the linear prediction looks back."""
    order = settings.order or 16 + max(0, -(-(parts.mel.rate - 16_000) // 1000) * 2)
    return VocoderCodec(parts.mel, parts.scaler, order)


def parts_of(trained: Trained[VocoderCodec], source: Any) -> SoundsInParts:
    """Recordings, opened or not, in the parts of a run that learned from them."""
    return in_parts(read(source, trained.settings), trained.settings)
