"""What commands that ask a vocoder can be told."""

from pydantic import BaseModel, Field

from gruta.settings.fields import CaseNumber, Seed, TrainingData


class MakingOptions(BaseModel):
    """How samples are drawn."""

    temperature: float = Field(
        0.9,
        gt=0,
        le=10,
        description="How bold to draw: below 1 the likeliest is likelier still, above 1 less.",
    )
    seed: Seed = 0


class EvaluateOptions(MakingOptions):
    """What an evaluation can be told."""

    seconds: float = Field(
        20.0,
        gt=0,
        description="Seconds of sound that are made, to be compared.",
    )
    train: TrainingData = None


class InspectOptions(BaseModel):
    """What an X-ray can be told."""

    number: CaseNumber = 1
