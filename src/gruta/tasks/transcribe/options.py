"""What commands that ask a recogniser can be told."""

from pydantic import BaseModel, Field

from gruta.settings.fields import CaseNumber, TrainingData


class SearchOptions(BaseModel):
    """How the likeliest text is searched."""

    beam: int = Field(
        16,
        gt=0,
        le=10_000,
        description="Texts that are followed side by side; 1: the likeliest "
        "character of each frame.",
    )
    ngram: bool = Field(
        True, description="Ask the n-gram model of the training part beside the network."
    )


class PredictOptions(SearchOptions):
    """What hearing can be told."""

    best: int = Field(
        1, gt=0, le=1000, description="Texts for each recording, the likeliest first."
    )


class EvaluateOptions(SearchOptions):
    """What an evaluation can be told."""

    train: TrainingData = None


class InspectOptions(BaseModel):
    """What an X-ray can be told."""

    number: CaseNumber = 1
