"""How a generator is asked over a network: texts or music, whole or bit by bit."""

from typing import Any

from pydantic import BaseModel, Field

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runtime.model import Model
from gruta.tasks.generate.generation import Text
from gruta.tasks.generate.model import TextModel, TextStream
from gruta.tasks.served import Answer, Question, Served, Streamed

MOST_UNITS = 100_000
"""Of a text that a stream writes."""


class Drawing(Question):
    """How what comes next is drawn."""

    seed: int = Field(0, ge=0, lt=2**31)
    temperature: float = Field(0.8, ge=0, le=100)
    top_k: int = Field(0, ge=0, lt=2**31)
    top_p: float = Field(1.0, ge=1e-9, le=1)
    min_p: float = Field(0.0, ge=0, le=1)

    def how(self) -> dict[str, Any]:
        """As the model's call takes it."""
        fields = Drawing.model_fields.keys() - {"seed"}
        return {name: getattr(self, name) for name in fields}


class Writing(Drawing):
    """How text is drawn."""

    repetition_penalty: float = Field(1.0, ge=1e-9, le=100)

    def how(self) -> dict[str, Any]:
        """The same with the penalty."""
        return super().how() | {"repetition_penalty": self.repetition_penalty}


class Prompt(Writing):
    """What is to be written."""

    prompt: str = Field("", max_length=10_000)
    length: int = Field(500, ge=1, le=10_000, description="Units at most.")
    count: int = Field(1, ge=1, le=64)
    stop: list[str] = Field([], max_length=16)


class Texts(BaseModel):
    """What follows the prompt, so many times."""

    texts: list[str]


class Begin(Writing):
    """How a text begins, and how it goes on."""

    prompt: str = Field("", max_length=10_000)


class Step(Question):
    """To go on."""

    units: int = Field(1, ge=1, le=1000, description="So many are written.")
    text: str = Field("", max_length=1000, description="This is taken as written before.")


def _answer(model: TextModel, asked: Prompt) -> Answer:
    found = model(
        asked.prompt,
        length=asked.length,
        count=asked.count,
        seed=asked.seed,
        stop=asked.stop,
        **asked.how(),
    )
    return {"texts": found}


def _about(model: TextModel) -> Answer:
    return {"units": model.codec.kind, "size": model.codec.size}


def _begun(model: TextModel, begin: Begin) -> TextStream:
    return model.stream(begin.prompt, seed=begin.seed, **begin.how())


def _accept(stream: TextStream, step: Step) -> None:
    if len(stream.numbers) + step.units + len(step.text) > MOST_UNITS:
        problem = _("a stream writes at most {most} units; reset it, or begin another")
        raise InputError(units=problem.format(most=MOST_UNITS))
    stream.accept(step.text)


class Growing:
    """Says what was written since it was last asked, never half of what people see as a letter."""

    def __init__(self, stream: TextStream) -> None:
        self._stream, self._text = stream, Text(stream.model.codec)
        self._told = 0
        self.news()

    def news(self) -> Answer:
        """What can be shown of it."""
        numbers = self._stream.numbers
        more = "".join(self._text.add(number) for number in numbers[self._told :])
        self._told = len(numbers)
        return {"text": more, "units": len(numbers)}

    def rest(self) -> Answer:
        """What was kept back."""
        return {"text": self._text.end()}


STREAMED = Streamed(
    begin=Begin,
    step=Step,
    begun=_begun,
    accept=_accept,
    teller=Growing,
    steps=lambda step: int(step.units),
)


def SERVED(model: Model[Any]) -> Served[Any]:
    """Of texts or of notes."""
    if isinstance(model, TextModel):
        return Served(Prompt, Texts, _answer, _about, STREAMED)
    from gruta.tasks.generate.notes.served import SERVED_NOTES

    return SERVED_NOTES
