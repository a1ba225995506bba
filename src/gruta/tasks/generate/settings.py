"""What the generator needs to know."""

from typing import Literal, Self

from pydantic import Field, model_validator

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.reading import AUTO, Reading
from gruta.settings import DATA, MODEL, NetworkSettings, StreamSettings
from gruta.settings.fields import (
    Embedding,
    Fewest,
    Hidden,
    Layers,
    LearningRate,
    Steps,
    TestFileOrFolder,
    Threads,
    Tied,
    ValidateEvery,
)
from gruta.tasks.generate.names import kind_name
from gruta.tasks.generate.notes.settings import NotesSettings

OF_NOTES = tuple(NotesSettings.model_fields)
"""Settings of notes alone."""

OF_TEXT = ("encoding", "fewest", "vocabulary", "tied", "sampled", "ngram")
"""Settings of text alone."""


class GenerateSettings(NotesSettings, NetworkSettings, StreamSettings):
    """What the generator needs to know."""

    encoding: str = Field(
        AUTO,
        description="How text files are encoded: utf-8, cp1252, utf-16, …",
        json_schema_extra=DATA,
    )
    test: TestFileOrFolder = ""
    test_share: float = Field(
        0.1,
        ge=0,
        lt=0.5,
        description="Share that training never sees, where the test has no file: the end, or of "
        "ten texts and more, and of music, whole ones.",
        json_schema_extra=DATA,
    )
    validation_share: float = Field(
        0.05,
        gt=0,
        lt=0.5,
        description="Share of the rest to pick the best weights by: stretches from all over it, or "
        "of ten texts and more, and of music, whole ones.",
        json_schema_extra=DATA,
    )
    units: Literal["bytes", "characters", "words", "subwords", "notes"] = Field(
        "characters",
        description="What is read and written one after the other: bytes, characters, words, "
        "subwords, or notes, in frames of the keys that sound.",
        json_schema_extra=MODEL,
    )
    fewest: Fewest = 2
    vocabulary: int = Field(
        8000,
        gt=1,
        le=1_000_000,
        description="Number of words, subwords or characters at most, the most frequent ones.",
        json_schema_extra=MODEL,
    )
    hidden: Hidden = 512
    layers: Layers = 1
    embedding: Embedding = 128
    tied: Tied = True
    sampled: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="Units drawn anew for each step of training, beside which the true ones are "
        "scored, in place of all (sampled softmax): for tens of thousands of words; 0: all.",
    )
    ngram: bool = Field(
        True,
        description="Ask counts of the training part (n-grams) beside the network; how much they "
        "weigh is found out on the validation part.",
        json_schema_extra=MODEL,
    )
    dropout: float = Field(
        0.2,
        ge=0,
        lt=1,
        description="Share of numbers missing before, between and behind the layers in training, "
        "the same ones throughout a stretch of text.",
        json_schema_extra=MODEL,
    )
    weight_drop: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Share of the weights from state to state missing in training.",
        json_schema_extra=MODEL,
    )
    batch_size: int = Field(32, gt=0, le=1_000_000, description="Streams of text side by side.")
    tbptt: int = Field(
        128,
        gt=0,
        le=1_000_000,
        description="Units that a step of training reads of each stream; the state is carried on.",
    )
    steps: Steps = 2000
    learning_rate: LearningRate = 3e-3
    threads: Threads = 2
    validate_every: ValidateEvery = 200

    @model_validator(mode="after")
    def _go_together(self) -> Self:
        """InputError where an encoding is none, or what is set is not of these units."""
        Reading(encoding=self.encoding)
        notes = self.units == "notes"
        for name in OF_TEXT if notes else OF_NOTES:
            if getattr(self, name) != type(self).model_fields[name].default:
                problem = _("says nothing of {units}; leave it out, or take other --units")
                raise InputError(**{name: problem.format(units=kind_name(self.units))})
        return self
