"""What commands that ask a captioner can be told."""

from pydantic import BaseModel, Field

from gruta.settings.fields import BeamWidth, CaseNumber, LengthPenalty, TrainingData


class SearchOptions(BaseModel):
    """How the likeliest captions are searched."""

    language: str = Field(
        "",
        description="Language of the captions, of a run that has several.",
        json_schema_extra={"shown": "the first; in an evaluation all"},
    )
    beam: BeamWidth = 5
    length_penalty: LengthPenalty = 0.6
    memory: bool = Field(
        False,
        description="Of what looks nearly as a picture of the training data, take the caption of "
        "that one; how near it has to be, the validation part has told.",
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

    train: TrainingData = None


class InspectOptions(BaseModel):
    """What an X-ray can be told."""

    number: CaseNumber = 1
