"""What the recogniser needs to know."""

from typing import Literal, Self

from pydantic import Field, model_validator

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.settings import DATA, MODEL, NetworkSettings, ReadingSettings, SequenceSettings
from gruta.settings.fields import (
    Ahead,
    AudioColumn,
    Bands,
    BatchSize,
    Channel,
    CheckpointEvery,
    Decays,
    Dropout,
    Hidden,
    Init,
    LearningRate,
    RecordingsHeldOut,
    Steps,
    TestFile,
    TextColumn,
    ValidateEvery,
    Warmup,
)


class TranscribeSettings(NetworkSettings, SequenceSettings, ReadingSettings):
    """What the recogniser needs to know."""

    audio_column: AudioColumn = ""
    text_column: TextColumn = ""
    speaker_column: str = Field(
        "",
        description="Column of who speaks.",
        json_schema_extra=DATA | {"shown": "speaker, if there is one"},
    )
    channel: Channel = 0
    rate: int = Field(
        0,
        ge=0,
        le=384_000,
        description="Samples a second that are heard; 0: as many as most recordings have, up to "
        "16,000.",
        json_schema_extra=DATA,
    )
    bands: Bands = 40
    held_out: Literal["auto", "speaker", "file"] = Field(
        "auto",
        description="What is held out for test and validation: all that a speaker said, or files; "
        "auto: speakers where ten or more are known.",
        json_schema_extra=DATA,
    )
    test: TestFile = ""
    test_share: RecordingsHeldOut = 0.1
    validation_share: float = Field(
        0.1,
        gt=0,
        lt=0.5,
        description="Share of the rest to pick the best weights and to weigh the n-gram model.",
        json_schema_extra=DATA,
    )
    capitals: Literal["fold", "keep"] = Field(
        "fold",
        description="Whether capital letters are read as small ones.",
        json_schema_extra=DATA,
    )
    marks: Literal["drop", "keep"] = Field(
        "drop",
        description="Whether punctuation is left out, but for apostrophes and hyphens in words.",
        json_schema_extra=DATA,
    )
    hop: float = Field(
        10.0,
        ge=1,
        le=1000,
        description="Milliseconds from a frame to the next.",
        json_schema_extra=DATA,
    )
    normalise: Literal["auto", "recording", "training"] = Field(
        "auto",
        description="What each channel's mean and deviation are taken over: the recording itself, "
        "or the training part; auto: the recording, unless the network reads it as it comes.",
        json_schema_extra=MODEL,
    )
    direction: Literal["both", "forward"] = Field(
        "both",
        description="Read in both directions, or forward alone, so that sound can be heard as it "
        "comes.",
        json_schema_extra=MODEL,
    )
    front: Literal["auto", "maps", "channels"] = Field(
        "auto",
        description="What the two layers in front see: neighbours in time and frequency (maps), or "
        "all channels at once (channels); auto: maps of spectra, channels of other features.",
        json_schema_extra=MODEL,
    )
    filters: int = Field(
        32,
        gt=0,
        le=1024,
        description="Filters of each layer in front; over all channels, eight times as many.",
        json_schema_extra=MODEL,
    )
    stride: Literal[1, 2, 3, 4, 6] = Field(
        2,
        description="Frames that become one before the recurrent layers.",
        json_schema_extra=MODEL,
    )
    hidden: Hidden = 192
    layers: int = Field(
        3, gt=0, le=64, description="Recurrent layers.", json_schema_extra=MODEL | {"range": "1..5"}
    )
    norm: bool = Field(
        True,
        description="Layer norm on what each recurrent layer reads.",
        json_schema_extra=MODEL,
    )
    dropout: Dropout = 0.3
    init: Init = "orthogonal"
    masks: int = Field(
        2,
        ge=0,
        le=100,
        description="Stretches of time, and of frequency in spectra, that are hidden from a "
        "recording in training (SpecAugment).",
    )
    mask_share: float = Field(
        0.15,
        ge=0,
        lt=1,
        description="Share of the frames that one stretch hides, at most; of the frequencies, "
        "twice as large.",
    )
    speed: float = Field(
        0.1,
        ge=0,
        lt=0.9,
        description="How much faster or slower a recording is heard in training, at most.",
    )
    noise: float = Field(
        0.0,
        ge=0,
        le=10,
        description="Noise that is added in training, in deviations of what is read.",
    )
    ngram: Literal["auto", "characters", "words", "none"] = Field(
        "auto",
        description="N-gram model of the training part's texts that is asked beside the network; "
        "auto: whichever the validation part is heard best with.",
        json_schema_extra=MODEL,
    )
    steps: Steps = 3000
    batch_size: BatchSize = 16
    learning_rate: LearningRate = 2e-3
    warmup: Warmup = 0.1
    validate_every: ValidateEvery = 250
    checkpoint_every: CheckpointEvery = 250
    decays: Decays = "weights"
    ahead: Ahead = 4

    @model_validator(mode="after")
    def _what_comes_has_no_end(self) -> Self:
        if self.direction == "forward" and self.normalise == "recording":
            problem = _(
                "'recording' needs the whole of it, which a network that reads forward alone does "
                "not wait for; take 'training'"
            )
            raise InputError(normalise=problem)
        return self

    @property
    def by_recording(self) -> bool:
        """Whether each recording is normalised by itself."""
        if self.normalise == "auto":
            return self.direction == "both"
        return self.normalise == "recording"
