"""Settings that several tasks have, each with a default of its own: what they mean, and admit."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic.config import JsonDict

DATA: JsonDict = {"panel": "Data"}
MODEL: JsonDict = {"panel": "Model"}
"""Under which heading of the help an option stands, where that is not the training's.

Beside it: `space`, what `gruta tune` tries of a setting, or `range`, what it tries if it is asked
to; `/4` and `*4` are about the default. What has neither changes what is validated on, or is no
matter of trials.
"""

Hidden = Annotated[
    int,
    Field(
        gt=0,
        le=65_536,
        description="Hidden units.",
        json_schema_extra=MODEL | {"space": "/4..*4:log"},
    ),
]
Layers = Annotated[
    int,
    Field(
        gt=0,
        le=64,
        description="Recurrent layers.",
        json_schema_extra=MODEL | {"space": "1..3"},
    ),
]
Embedding = Annotated[
    int,
    Field(
        gt=0,
        le=65_536,
        description="Numbers that a unit becomes.",
        json_schema_extra=MODEL | {"range": "/4..*4:log"},
    ),
]
Tied = Annotated[
    bool,
    Field(
        description="Take the vectors that units become for the scores of units too.",
        json_schema_extra=MODEL,
    ),
]
Init = Annotated[
    Literal["torch", "orthogonal", "chrono"],
    Field(
        description="How the weights start: as in PyTorch, with an orthogonal matrix from state to "
        "state, or with gates that keep for as long as the window (chrono; not for the RNN).",
        json_schema_extra=MODEL | {"range": "torch,orthogonal"},
    ),
]
Dropout = Annotated[
    float,
    Field(
        ge=0,
        lt=1,
        description="Share of numbers dropped before and behind the recurrent layers in training.",
        json_schema_extra=MODEL | {"space": "0..0.5"},
    ),
]

Steps = Annotated[int, Field(gt=0, description="Optimiser steps, at most.")]
LearningRate = Annotated[
    float,
    Field(
        gt=0,
        le=1e6,
        description="The highest rate of the schedule.",
        json_schema_extra={"space": "/10..*10:log"},
    ),
]
Warmup = Annotated[
    float,
    Field(
        ge=0,
        lt=1,
        description="Share of the steps in which the rate rises.",
        json_schema_extra={"range": "0..0.5"},
    ),
]
Decays = Annotated[
    Literal["weights", "all"],
    Field(
        description="What weight decay pulls: all, or weights, without biases, norms and "
        "embeddings.",
        json_schema_extra={"range": "weights,all"},
    ),
]
BatchSize = Annotated[
    int,
    Field(
        gt=0,
        le=1_000_000,
        description="Sequences in a batch.",
        json_schema_extra={"space": "/4..*4:log"},
    ),
]
ValidateEvery = Annotated[int, Field(gt=0, description="Steps between two validations.")]
Ahead = Annotated[
    int,
    Field(ge=0, le=1000, description="Batches that a thread draws ahead of the step; 0: none."),
]
CheckpointEvery = Annotated[int, Field(gt=0, description="Steps between two checkpoints.")]
Patience = Annotated[
    int,
    Field(ge=0, description="Stop after this many validations without a better one; 0: never."),
]
Threads = Annotated[
    int,
    Field(
        gt=0,
        le=1024,
        description="CPU threads. A small network gains little from a second one, and loses much "
        "where other work wants the cores.",
    ),
]

AudioColumn = Annotated[
    str,
    Field(
        description="Column of the recordings' files.",
        json_schema_extra=DATA | {"shown": "the one that names files"},
    ),
]

TextColumn = Annotated[
    str,
    Field(
        description="Column of what is said in them.",
        json_schema_extra=DATA | {"shown": "text, transcript, sentence, …"},
    ),
]

Channel = Annotated[
    int,
    Field(
        ge=0,
        le=64,
        description="Channel that is heard of several, from 1; 0: their mean.",
        json_schema_extra=DATA,
    ),
]

Bands = Annotated[
    int,
    Field(
        gt=0,
        le=512,
        description="Mel bands of a sound's spectrum.",
        json_schema_extra=DATA,
    ),
]

TestFile = Annotated[
    str,
    Field(
        description="File of the test, if it has its own.",
        json_schema_extra=DATA,
    ),
]

RecordingsHeldOut = Annotated[
    float,
    Field(
        ge=0,
        lt=0.5,
        description="Share of the recordings that training never sees, where the test has no file.",
        json_schema_extra=DATA,
    ),
]

TrainingData = Annotated[
    Path | None,
    Field(
        description="The training data, for the simple models beside the network.",
        json_schema_extra={
            "metavar": "DATA",
            "shown": "the input, where the run was trained on it",
        },
    ),
]

CaseNumber = Annotated[
    int,
    Field(
        gt=0,
        description="Which case of a file to look at, from 1.",
    ),
]

Seed = Annotated[
    int,
    Field(
        ge=0,
        lt=2**31,
        description="Seed of all that is drawn at random.",
    ),
]

TestFileOrFolder = Annotated[
    str,
    Field(
        description="File or folder of the test, if it has its own.",
        json_schema_extra=DATA,
    ),
]

ValidationShare = Annotated[
    float,
    Field(
        gt=0,
        lt=0.5,
        description="Share of the rest to pick the best weights.",
        json_schema_extra=DATA,
    ),
]

Fewest = Annotated[
    int,
    Field(
        gt=0,
        description="How often a character or word has to stand in the training part to be known.",
        json_schema_extra=MODEL,
    ),
]

InputFeeding = Annotated[
    bool,
    Field(
        description="Let what was found at a step be read at the next: step by step, which takes "
        "longer.",
        json_schema_extra=MODEL,
    ),
]

Smoothing = Annotated[
    float,
    Field(
        ge=0,
        lt=1,
        description="Label smoothing: the share of what is learned that is spread over all units.",
    ),
]

BeamWidth = Annotated[
    int,
    Field(
        gt=0,
        le=1000,
        description="Texts that are followed side by side; 1: the likeliest unit.",
    ),
]

LengthPenalty = Annotated[
    float,
    Field(
        ge=0,
        le=10,
        description="How much longer texts are let off: their log-probability is divided by "
        "((5 + units) / 6) to this power.",
    ),
]
