"""How a translator is asked over a network."""

from pydantic import BaseModel, Field

from gruta.tasks.served import Answer, Question, Served
from gruta.tasks.translate.model import TranslateModel


class Texts(Question):
    """Texts to be translated; the rest as `gruta translate` has it."""

    texts: list[str] = Field(max_length=1000)
    best: int = Field(1, ge=1, le=32)
    beam: int = Field(5, ge=1, le=32)
    length_penalty: float = Field(0.6, ge=0, le=10)
    coverage: float = Field(0.0, ge=0, le=100)
    copy_unknown: bool = True


class Written(BaseModel):
    """A text, and how likely it is beside others."""

    text: str
    score: float | None


class Translations(BaseModel):
    """Of each text the likeliest translations, the best first."""

    translations: list[list[Written]]


def _answer(model: TranslateModel, asked: Texts) -> Answer:
    how = {name: value for name, value in asked if name != "texts"}
    found = model.nbest(asked.texts, **how)
    told = [[{"text": one.text, "score": one.score} for one in several] for several in found]
    return {"translations": told}


def SERVED(model: TranslateModel) -> Served[TranslateModel]:
    """A text is read as a whole."""
    return Served(Texts, Translations, _answer, lambda model: {})
