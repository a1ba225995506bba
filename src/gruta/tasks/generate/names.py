"""What things are called where people read."""

from gruta.codec.text.units import Kind
from gruta.locale import translate as _


def kind_name(kind: Kind) -> str:
    """Units, several of them."""
    names: dict[Kind, str] = {
        "bytes": _("bytes"),
        "characters": _("characters"),
        "words": _("words"),
        "subwords": _("subwords"),
    }
    return names[kind]
