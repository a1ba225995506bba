"""What the generator needs to know of notes."""

from pydantic import BaseModel, Field

from gruta.codec.notes.frames import MOST_FRAMES
from gruta.settings import DATA, MODEL


class NotesSettings(BaseModel):
    """Frames, and in which keys they are learned."""

    frames: int = Field(
        4,
        gt=0,
        le=MOST_FRAMES,
        description="Frames of a quarter, of notes: 4 are sixteenths.",
        json_schema_extra=DATA,
    )
    again: bool = Field(
        True,
        description="Learn too which keys are struck again while they sound, of notes.",
        json_schema_extra=MODEL,
    )
    transpose: int = Field(
        6,
        ge=0,
        le=24,
        description="Half tones by which pieces are moved at random in training, up or down at "
        "most, as far as their keys lie among those of all.",
        json_schema_extra=MODEL,
    )
