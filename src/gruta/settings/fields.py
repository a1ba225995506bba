"""Settings that several tasks have, each with a default of its own: what they mean, and admit."""

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
