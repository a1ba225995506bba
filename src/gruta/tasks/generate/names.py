"""What things are called where people read."""

from typing import Literal

from gruta.codec.text.units import Kind
from gruta.locale import translate as _


def kind_name(kind: Kind | Literal["notes"]) -> str:
    """Units, several of them."""
    names: dict[Kind | Literal["notes"], str] = {
        "bytes": _("bytes"),
        "characters": _("characters"),
        "words": _("words"),
        "subwords": _("subwords"),
        "notes": _("notes"),
    }
    return names[kind]


def written_by_itself() -> str:
    """What a sample is called that no file has."""
    return _("what the model writes by itself")
