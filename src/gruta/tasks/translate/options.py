"""What commands that ask a translator can be told."""

from pydantic import BaseModel, Field

from gruta.settings.fields import BeamWidth, CaseNumber, LengthPenalty, TrainingData


class SearchOptions(BaseModel):
    """How the likeliest texts are searched."""

    beam: BeamWidth = 5
    length_penalty: LengthPenalty = 0.6
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
    train: TrainingData = None


class InspectOptions(BaseModel):
    """What an X-ray can be told."""

    number: CaseNumber = 1
