"""What the classifier needs to know."""

from typing import Literal

from pydantic import Field

from gruta.codec.text.vocabulary import Unit
from gruta.settings import DATA, MODEL, NetworkSettings, ReadingSettings, SequenceSettings
from gruta.settings.fields import (
    BatchSize,
    Decays,
    Dropout,
    Embedding,
    Hidden,
    Init,
    Layers,
    LearningRate,
    Patience,
    Steps,
    TestFileOrFolder,
    Warmup,
)


class ClassifySettings(NetworkSettings, SequenceSettings, ReadingSettings):
    """What the classifier needs to know."""

    text: str = Field("text", description="Column of the text.", json_schema_extra=DATA)
    label: str = Field("label", description="Column of the class.", json_schema_extra=DATA)
    case: str = Field(
        "case",
        description="Column that says which series a row is a step of.",
        json_schema_extra=DATA,
    )
    time: str = Field(
        "time", description="Column with a step's place in its series.", json_schema_extra=DATA
    )
    group: str = Field(
        "",
        description="Column of what a case was cut from: no group is in two parts.",
        json_schema_extra=DATA,
    )
    test: TestFileOrFolder = ""
    test_share: float = Field(
        0.1,
        ge=0,
        lt=0.5,
        description="Share of each class that training never sees, where the test has no file.",
        json_schema_extra=DATA,
    )
    validation_share: float = Field(
        0.1,
        gt=0,
        lt=0.5,
        description="Share of each class to pick the best weights.",
        json_schema_extra=DATA,
    )
    unit: Unit = Field(
        "grams",
        description="Units of a text: characters, grams (characters, each with the up to three "
        "before it), words, or subwords.",
        json_schema_extra=MODEL,
    )
    lower: bool = Field(
        False, description="Read capitals as small letters.", json_schema_extra=MODEL
    )
    fewest: int = Field(
        2,
        gt=0,
        description="In how many texts a unit has to stand to be known.",
        json_schema_extra=MODEL,
    )
    subwords: int = Field(
        4000, gt=1, le=1_000_000, description="Number of subwords.", json_schema_extra=MODEL
    )
    longest: int = Field(
        1000,
        gt=0,
        le=1_000_000,
        description="Steps of a case that are read, from its start.",
        json_schema_extra=MODEL,
    )
    embedding: Embedding = 64
    layers: Layers = 1
    bidirectional: bool = Field(
        True, description="Read in both directions.", json_schema_extra=MODEL
    )
    pooling: Literal["mean+max", "last", "mean", "max", "attention"] = Field(
        "mean+max",
        description="What of the states is read: their mean and largest, the last, or a mean with "
        "learned weights.",
        json_schema_extra=MODEL,
    )
    dropout: Dropout = 0.3
    noise: float = Field(
        0.6,
        ge=0,
        description="Normal noise on series in training, in standard deviations of a channel.",
        json_schema_extra=MODEL,
    )
    bayes: bool = Field(
        True,
        description="Add naive Bayes on a text's units to the scores, as much as the validation "
        "part likes best.",
        json_schema_extra=MODEL,
    )
    class_weights: bool = Field(
        False,
        description="Let rare classes weigh as much as frequent ones.",
        json_schema_extra=MODEL,
    )

    hidden: Hidden = 128
    init: Init = "orthogonal"
    steps: Steps = 1000
    batch_size: BatchSize = 64
    patience: Patience = 10
    learning_rate: LearningRate = 3e-3
    warmup: Warmup = 0.1
    decays: Decays = "weights"
