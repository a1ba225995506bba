"""What the vocoder needs to know."""

from pydantic import Field

from gruta.settings import MODEL, NetworkSettings, ReadingSettings, SequenceSettings
from gruta.settings.fields import (
    BatchSize,
    CheckpointEvery,
    Decays,
    Hidden,
    Init,
    LearningRate,
    Steps,
    ValidateEvery,
    Warmup,
)
from gruta.settings.sounds import SoundSettings


class VocodeSettings(NetworkSettings, SequenceSettings, ReadingSettings, SoundSettings):
    """What the vocoder needs to know."""

    order: int = Field(
        0,
        ge=0,
        le=64,
        description="Samples that the linear prediction looks back; 0: 16, and 2 more for each "
        "1,000 above 16,000 a second.",
        json_schema_extra=MODEL,
    )
    embedding: int = Field(
        48,
        gt=0,
        le=1024,
        description="Numbers that a level becomes, and a frame of the spectrum.",
        json_schema_extra=MODEL,
    )
    filters: int = Field(
        64,
        gt=0,
        le=1024,
        description="Filters of the two convolutions over frames.",
        json_schema_extra=MODEL,
    )
    hidden: Hidden = 128
    init: Init = "orthogonal"
    frames: int = Field(
        12, gt=1, le=1000, description="Frames of a stretch of sound that is learned from."
    )
    noise: float = Field(
        0.08,
        ge=0,
        le=10,
        description="Noise in training, on the samples that a sample is predicted from, in "
        "deviations of what the linear prediction leaves.",
    )
    steps: Steps = 3000
    batch_size: BatchSize = 32
    learning_rate: LearningRate = 3e-3
    warmup: Warmup = 0.05
    validate_every: ValidateEvery = 250
    checkpoint_every: CheckpointEvery = 250
    decays: Decays = "weights"
