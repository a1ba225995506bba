"""What commands that ask a translator can be told."""

from pathlib import Path

from pydantic import BaseModel, Field


class SearchOptions(BaseModel):
    """How the likeliest texts are searched."""

    beam: int = Field(
        5, gt=0, le=1000, description="Texts that are followed side by side; 1: the likeliest unit."
    )
    length_penalty: float = Field(
        0.6,
        ge=0,
        le=10,
        description="How much longer texts are let off: their log-probability is divided by "
        "((5 + units) / 6) to this power.",
    )
    coverage: float = Field(
        0.0,
        ge=0,
        le=100,
        description="How much it counts against a text to have left units of the source unread.",
    )
    copy_unknown: bool = Field(
        True,
        description="Write what training has not seen as the unit of the source most attended to.",
    )


class PredictOptions(SearchOptions):
    """What a translation can be told."""

    best: int = Field(
        1, gt=0, le=1000, description="Texts for each source, the likeliest first, with scores."
    )
    memory: bool = Field(
        False,
        description="Take what the training data have for a text that stands in them.",
    )


class EvaluateOptions(SearchOptions):
    """What an evaluation can be told."""

    targets: str | None = Field(
        None,
        description="Text file of what was expected, line by line, where the input is one of texts "
        "alone.",
        json_schema_extra={"metavar": "FILE", "shown": "none"},
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
