"""The codec of a generator: of texts or of notes."""

from collections.abc import Mapping
from typing import Any

from gruta.codec.notes.frames import Frames
from gruta.codec.text.units import Units


class AnyUnits:
    """Reads the codec of a run, whichever of the two it is."""

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Units | Frames:
        """What `to_json` gave; InputError if it is anything else."""
        of_notes = isinstance(content, Mapping) and content.get("kind") == "notes"
        return Frames.from_json(content) if of_notes else Units.from_json(content)
