"""What the captioner needs to know."""

import re
from typing import Literal, Self

from pydantic import Field, model_validator

from gruta.errors import InputError
from gruta.locale import translate as _
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

COLOURS = {"white": "#ffffff", "black": "#000000", "grey": "#808080"}


class CaptionSettings(NetworkSettings, SequenceSettings, ReadingSettings):
    """What the captioner needs to know."""

    picture_column: str = Field(
        "",
        description="Column of the pictures' and clips' files.",
        json_schema_extra=DATA | {"shown": "picture, else one that holds files"},
    )
    captions: tuple[str, ...] = Field(
        (),
        description="Column of captions or, where a column tells their language, a language of it; "
        "for a folder the end of the text files, as pt_BR of cat.pt_BR.txt.",
        json_schema_extra=DATA | {"shown": "all that there are"},
    )
    language_column: str = Field(
        "",
        description="Column that tells in which language a row's caption is.",
        json_schema_extra=DATA | {"shown": "language, if it is there"},
    )
    folder: str = Field(
        "",
        description="Folder of the pictures.",
        json_schema_extra=DATA | {"shown": "the table's own"},
    )
    group: str = Field(
        "",
        description="Column of what a picture was cut from: no group is in two parts. Pictures "
        "that look alike to the last point never are.",
        json_schema_extra=DATA,
    )
    test: TestFile = ""
    test_share: float = Field(
        0.2,
        ge=0,
        lt=0.5,
        description="Share of the pictures that training never sees, where the test has no file.",
        json_schema_extra=DATA,
    )
    validation_share: ValidationShare = 0.1
    longest: int = Field(
        60,
        gt=0,
        le=10_000,
        description="Words of a caption that are learned from; longer ones are cut.",
        json_schema_extra=DATA,
    )
    background: str = Field(
        "white",
        description="What is behind what is transparent, and beside a picture that is no square: "
        "white, black, grey, or as #ff8800.",
        json_schema_extra=DATA,
    )
    size: int = Field(
        64,
        ge=16,
        le=512,
        description="Pixels of a side: pictures are scaled into a square.",
        json_schema_extra=MODEL,
    )
    frames: int = Field(
        8,
        gt=0,
        le=256,
        description="Frames of a clip that are seen, evenly over it; a picture has one.",
        json_schema_extra=MODEL,
    )
    channels: int = Field(
        32,
        ge=4,
        le=1024,
        description="Numbers that the first convolution makes of each place; the next make twice "
        "and four times as many.",
        json_schema_extra=MODEL,
    )
    units: Literal["auto", "characters", "words", "subwords"] = Field(
        "auto",
        description="What is written one after the other; auto: words where there are few "
        "different ones, else subwords.",
        json_schema_extra=MODEL,
    )
    vocabulary: int = Field(
        1000,
        gt=1,
        le=1_000_000,
        description="Number of words, subwords or characters at most.",
        json_schema_extra=MODEL,
    )
    fewest: Fewest = 1
    embedding: Embedding = 128
    hidden: Hidden = 128
    layers: int = Field(
        1,
        gt=0,
        le=64,
        description="Recurrent layers that write.",
        json_schema_extra=MODEL | {"range": "1..3"},
    )
    attention: Literal["multiplicative", "additive", "none"] = Field(
        "multiplicative",
        description="How what is written looks at places and frames; none: at the whole alone.",
        json_schema_extra=MODEL,
    )
    input_feeding: InputFeeding = False
    tied: Tied = True
    dropout: Dropout = 0.3
    init: Init = "orthogonal"
    smoothing: Smoothing = 0.1
    word_dropout: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="Share of the units that are hidden from who writes the next, in training.",
    )
    shift: float = Field(
        0.1,
        ge=0,
        le=0.5,
        description="How far pictures are shifted in training, in either direction, of their side.",
    )
    zoom: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="By how much they are made larger or smaller in training, of their size.",
    )
    turn: float = Field(
        0.0, ge=0, le=180, description="By how many degrees they are turned in training, at most."
    )
    colour: float = Field(
        0.2, ge=0, le=1, description="How far their colours and light are changed in training."
    )
    flip: bool = Field(
        False,
        description="Show half of them mirrored in training. Not for captions that tell left from "
        "right, or where what is written in a picture counts.",
    )
    steps: Steps = 2000
    batch_size: BatchSize = 32
    learning_rate: LearningRate = 2e-3
    warmup: Warmup = 0.1
    weight_decay: float = Field(0.05, ge=0, description="Pull of the weights towards zero.")
    validate_every: ValidateEvery = 100
    checkpoint_every: CheckpointEvery = 100
    decays: Decays = "weights"

    @model_validator(mode="after")
    def _a_colour(self) -> Self:
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", COLOURS.get(self.background, self.background)):
            problem = _("expected white, black, grey or a colour such as #ff8800, got {value}")
            raise InputError(background=problem.format(value=repr(self.background)))
        return self

    @property
    def ground(self) -> tuple[int, int, int]:
        """Red, green and blue of the background."""
        told = COLOURS.get(self.background, self.background)
        return int(told[1:3], 16), int(told[3:5], 16), int(told[5:7], 16)
