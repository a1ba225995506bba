"""What commands that ask a speaker can be told."""

from pydantic import BaseModel, Field

from gruta.settings.fields import CaseNumber, Seed, TrainingData


class SayingOptions(BaseModel):
    """How something is said."""

    seed: Seed = 0


class EvaluateOptions(SayingOptions):
    """What an evaluation can be told."""

    count: int = Field(60, gt=0, description="Recordings whose texts are said, at most.")
    train: TrainingData = None


class InspectOptions(BaseModel):
    """What an X-ray can be told."""

    number: CaseNumber = 1
