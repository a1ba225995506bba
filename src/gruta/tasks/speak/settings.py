"""What the speaker needs to know."""

from typing import Literal

from pydantic import Field

from gruta.settings import DATA, MODEL, NetworkSettings, ReadingSettings, SequenceSettings
from gruta.settings.fields import (
    BatchSize,
    CheckpointEvery,
    Decays,
    Dropout,
    Embedding,
    Hidden,
    Init,
    LearningRate,
    Steps,
    TextColumn,
    ValidateEvery,
    Warmup,
)
from gruta.settings.sounds import SoundSettings


class SpeakSettings(NetworkSettings, SequenceSettings, ReadingSettings, SoundSettings):
    """What the speaker needs to know."""

    text_column: TextColumn = ""
    language: Literal["auto", "en", "pt_BR"] = Field(
        "auto",
        description="How numbers and short forms are said: en or pt_BR; auto: as the texts look.",
        json_schema_extra=DATA,
    )
    phonemes: str = Field(
        "",
        description="Run of gruta train translate, or its model file, that turns words into the "
        "phonemes which are then read. Its weights go with the speaker's.",
        json_schema_extra=DATA | {"shown": "characters are read"},
    )
    longest: float = Field(
        12.0,
        gt=0,
        le=60,
        description="Seconds of a recording that is learned from, at most.",
        json_schema_extra=DATA,
    )
    together: int = Field(
        4,
        gt=0,
        le=20,
        description="Frames that are made at a step.",
        json_schema_extra=MODEL,
    )
    embedding: Embedding = 96
    encoder: int = Field(
        96,
        gt=0,
        le=4096,
        description="Hidden units of the layer that reads the text, in each direction.",
        json_schema_extra=MODEL,
    )
    hidden: Hidden = 192
    prenet: int = Field(
        64,
        gt=0,
        le=4096,
        description="Numbers that the last frame becomes before it is read.",
        json_schema_extra=MODEL,
    )
    init: Init = "orthogonal"
    dropout: Dropout = 0.2
    variety: float = Field(
        0.5,
        ge=0,
        lt=1,
        description="Share of what the last frame became that is dropped, in training and when "
        "something is said.",
        json_schema_extra=MODEL,
    )
    steps: Steps = 3000
    batch_size: BatchSize = 16
    learning_rate: LearningRate = 2e-3
    warmup: Warmup = 0.05
    validate_every: ValidateEvery = 250
    checkpoint_every: CheckpointEvery = 250
    decays: Decays = "weights"
