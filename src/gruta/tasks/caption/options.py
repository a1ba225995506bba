"""What commands that ask a captioner can be told."""

from pathlib import Path

from pydantic import BaseModel, Field


class SearchOptions(BaseModel):
    """How the likeliest captions are searched."""

    language: str = Field(
        "",
        description="Language of the captions, of a run that has several.",
        json_schema_extra={"shown": "the first; in an evaluation all"},
    )
    beam: int = Field(
        5,
        gt=0,
        le=1000,
        description="Texts that are followed side by side; 1: the likeliest unit.",
    )
    length_penalty: float = Field(
        0.6,
        ge=0,
        le=10,
        description="How much longer texts are let off: their log-probability is divided by "
        "((5 + units) / 6) to this power.",
    )


class PredictOptions(SearchOptions):
    """What a caption can be told."""

    best: int = Field(
        1, gt=0, le=1000, description="Captions for each picture, the likeliest first, with scores."
    )
    every: float = Field(
        0.0,
        ge=0,
        description="Seconds of a clip after which another caption is written; 0: one for all of "
        "it.",
    )


class EvaluateOptions(SearchOptions):
    """What an evaluation can be told."""

    train: Path | None = Field(
        None,
        description="The training data, for the simple models beside the network.",
        json_schema_extra={
            "metavar": "DATA",
            "shown": "the input, where the run was trained on it",
        },
    )


class InspectOptions(BaseModel):
    """What an X-ray can be told."""

    number: int = Field(1, gt=0, description="Which case of a file to look at, from 1.")
