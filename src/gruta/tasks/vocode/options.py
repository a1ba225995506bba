"""What commands that ask a vocoder can be told."""

from pathlib import Path

from pydantic import BaseModel, Field


class MakingOptions(BaseModel):
    """How samples are drawn."""

    temperature: float = Field(
        0.9,
        gt=0,
        le=10,
        description="How bold to draw: below 1 the likeliest is likelier still, above 1 less.",
    )
    seed: int = Field(0, ge=0, lt=2**31, description="Seed of all that is drawn at random.")


class EvaluateOptions(MakingOptions):
    """What an evaluation can be told."""

    seconds: float = Field(
        20.0,
        gt=0,
        description="Seconds of sound that are made, to be compared.",
    )
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
