"""The text that `gruta demo text` learns from: in the reader's language, from what is installed."""

from dataclasses import dataclass
from typing import Any

from gruta.data.text import Text, Texts
from gruta.locale import language
from gruta.locale import translate as _

SETTINGS: dict[str, Any] = {
    "hidden": 256,
    "embedding": 64,
    "steps": 900,
    "batch_size": 32,
    "tbptt": 100,
    "learning_rate": 6e-3,
    "dropout": 0.1,
    "validate_every": 150,
}
"""Of a training that takes less than three minutes on two cores."""


@dataclass(frozen=True)
class Source:
    """A text, and for people what it is, from where, under which licence; what to begin with."""

    text: str
    told: str
    prompt: str

    def texts(self, name: str) -> Texts:
        """As the generator reads it."""
        return Texts((Text(name, self.text),), name)


def source() -> Source:
    """In the language that is spoken."""
    return _curriculum() if language() == "pt_BR" else _reference()


def _curriculum() -> Source:
    """What pupils in Brazil are to learn: the BNCC, by the package of this name."""
    import bncc

    parts = [*bncc.objetivos_ei(), *bncc.habilidades_ef(), *bncc.habilidades_em()]
    told = _(
        "the Base Nacional Comum Curricular, what is to be learned at school in Brazil; data of "
        "bncc.dev in the package bncc, CC BY 4.0"
    )
    return Source("".join(f"{part['texto']}\n" for part in parts), told, "Reconhecer ")


def _reference() -> Source:
    """Python's language reference, which comes with Python as the text of help()."""
    from pydoc_data.topics import topics

    told = _("the reference of the Python language, which comes with Python; PSF licence")
    return Source("\n".join(topics[name] for name in sorted(topics)), told, "The ")
