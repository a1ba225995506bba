"""What commands that ask a trained generator can be told."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from gruta.codec.text.sampling import Sampling


class ContinueOptions(BaseModel):
    """How text is drawn."""

    length: int = Field(
        500, gt=0, le=100_000_000, description="Units to write, at most; of notes, frames."
    )
    temperature: float = Field(
        0.8,
        ge=0,
        le=100,
        description="Below 1 likely units become likelier, above 1 rare ones; 0: the likeliest.",
    )
    top_k: int = Field(0, ge=0, description="Draw from so many likeliest units; 0: from all.")
    top_p: float = Field(
        1.0,
        gt=0,
        le=1,
        description="Draw from the likeliest units that have this probability together.",
    )
    min_p: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Draw from units at least this share as likely as the likeliest.",
    )
    repetition_penalty: float = Field(
        1.0,
        gt=0,
        le=100,
        description="Above 1 units that stand in the text already become less likely.",
    )
    seed: int = Field(0, ge=0, description="Of all that is drawn: the same seed, the same text.")


class GenerateOptions(ContinueOptions):
    """What is written, and how."""

    prompt: str = Field(
        "",
        description="What the text begins with; of notes, a file of music.",
        json_schema_extra={"shown": "nothing"},
    )
    count: int = Field(1, gt=0, le=10_000, description="Texts, made side by side.")
    stop: tuple[str, ...] = Field(
        (), description="End before this is written.", json_schema_extra={"metavar": "TEXT"}
    )


class EvaluateOptions(BaseModel):
    """What an evaluation can be told."""

    train: Path | None = Field(
        None,
        description="What it was trained on, for the simple models beside the network.",
        json_schema_extra={
            "metavar": "FILE",
            "shown": "what the run read, where that is still there",
        },
    )


class ScoreOptions(BaseModel):
    """How texts are scored."""

    dynamic: float = Field(
        0.0,
        ge=0,
        le=0.1,
        description="Go on learning from the text, each stretch once it is scored (dynamic "
        "evaluation), at this learning rate; 0.0001 suits most; 0: learn nothing.",
    )


def sampling(how: Any) -> Sampling:
    """What is said of drawing."""
    return Sampling(how.temperature, how.top_k, how.top_p, how.min_p, how.repetition_penalty)
