"""What commands that ask a speaker can be told."""

from pathlib import Path

from pydantic import BaseModel, Field


class SayingOptions(BaseModel):
    """How something is said."""

    seed: int = Field(0, ge=0, lt=2**31, description="Seed of all that is drawn at random.")


class EvaluateOptions(SayingOptions):
    """What an evaluation can be told."""

    count: int = Field(60, gt=0, description="Recordings whose texts are said, at most.")
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
