"""What the translator needs to know."""

from typing import Literal

from pydantic import Field

from gruta.settings import DATA, MODEL, NetworkSettings, ReadingSettings, SequenceSettings
from gruta.settings.fields import (
    BatchSize,
    CheckpointEvery,
    Decays,
    Dropout,
    Embedding,
    Fewest,
    Hidden,
    Init,
    InputFeeding,
    LearningRate,
    Smoothing,
    Steps,
    TestFile,
    Tied,
    ValidateEvery,
    ValidationShare,
    Warmup,
)

SideUnits = Literal["auto", "characters", "words", "subwords"]


class TranslateSettings(NetworkSettings, SequenceSettings, ReadingSettings):
    """What the translator needs to know."""

    source_column: str = Field(
        "",
        description="Column of the texts that are read.",
        json_schema_extra=DATA | {"shown": "source, else the first"},
    )
    target_column: str = Field(
        "",
        description="Column of what they become.",
        json_schema_extra=DATA | {"shown": "target, else the second"},
    )
    targets: str = Field(
        "",
        description="Text file of what they become, line by line, where PAIRS holds texts alone.",
        json_schema_extra=DATA,
    )
    group: str = Field(
        "",
        description="Column of what a pair was cut from: no group is in two parts. Pairs with the "
        "same source never are.",
        json_schema_extra=DATA,
    )
    test: TestFile = ""
    test_share: float = Field(
        0.1,
        ge=0,
        lt=0.5,
        description="Share of the pairs that training never sees, where the test has no file.",
        json_schema_extra=DATA,
    )
    validation_share: ValidationShare = 0.05
    source_units: SideUnits = Field(
        "auto",
        description="What is read one after the other: characters, words or subwords; auto: "
        "characters of single words, else words where there are few different ones, else subwords.",
        json_schema_extra=MODEL,
    )
    target_units: SideUnits = Field(
        "auto",
        description="What is written one after the other, likewise.",
        json_schema_extra=MODEL,
    )
    shared: bool = Field(
        False,
        description="One vocabulary for both sides, and the same vectors.",
        json_schema_extra=MODEL,
    )
    vocabulary: int = Field(
        8000,
        gt=1,
        le=1_000_000,
        description="Number of words, subwords or characters of a side at most.",
        json_schema_extra=MODEL,
    )
    fewest: Fewest = 2
    longest: int = Field(
        100,
        gt=0,
        le=100_000,
        description="Units of a text that are read. Longer pairs are left out of the training.",
        json_schema_extra=MODEL,
    )
    embedding: Embedding = 256
    hidden: Hidden = 256
    layers: int = Field(
        2,
        gt=0,
        le=64,
        description="Recurrent layers that read, in both directions, and as many that write.",
        json_schema_extra=MODEL | {"range": "1..4"},
    )
    attention: Literal["multiplicative", "additive", "none"] = Field(
        "multiplicative",
        description="How what is written looks at what was read; none: at its end alone.",
        json_schema_extra=MODEL,
    )
    input_feeding: InputFeeding = False
    tied: Tied = True
    dropout: Dropout = 0.2
    init: Init = "orthogonal"
    smoothing: Smoothing = 0.1
    sampling: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Scheduled sampling: the share of units that are read as the network would "
        "write them, in the end; it rises from 0.",
    )
    steps: Steps = 3000
    batch_size: BatchSize = 64
    learning_rate: LearningRate = 2e-3
    warmup: Warmup = 0.1
    validate_every: ValidateEvery = 250
    checkpoint_every: CheckpointEvery = 250
    decays: Decays = "weights"
