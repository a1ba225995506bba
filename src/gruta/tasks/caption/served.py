"""How a captioner is asked over a network."""

from pydantic import BaseModel, Field

from gruta.tasks.caption.model import CaptionModel
from gruta.tasks.served import Answer, Binary, Question, Served, array


class Pictures(Question):
    """Bytes of red, green and blue `[S, S, 3]`, or of a clip's frames `[F, S, S, 3]`."""

    pictures: list[Binary] = Field(max_length=256)
    language: str = ""
    best: int = Field(1, ge=1, le=32)
    beam: int = Field(5, ge=1, le=32)
    length_penalty: float = Field(0.6, ge=0, le=10)


class Written(BaseModel):
    """A caption, and how likely it is beside others."""

    text: str
    score: float | None


class Captions(BaseModel):
    """Of each picture the likeliest captions, the best first."""

    captions: list[list[Written]]


def _answer(model: CaptionModel, asked: Pictures) -> Answer:
    how = {name: value for name, value in asked if name != "pictures"}
    pictures = [array(one, f"pictures[{i}]") for i, one in enumerate(asked.pictures)]
    found = model.nbest(pictures, **how)
    told = [[{"text": one.text, "score": one.score} for one in several] for several in found]
    return {"captions": told}


def _about(model: CaptionModel) -> Answer:
    return {"size": model.size, "languages": list(model.languages)}


def SERVED(model: CaptionModel) -> Served[CaptionModel]:
    """A picture is seen as a whole."""
    return Served(Pictures, Captions, _answer, _about)
