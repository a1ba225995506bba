"""The translator's own command: `gruta translate`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from gruta.codec.text.graphemes import visible
from gruta.locale.numbers import number
from gruta.tasks.commands import Asking
from gruta.tasks.trained import Trained
from gruta.tasks.translate.answers import Answers, answered
from gruta.tasks.translate.options import PredictOptions
from gruta.tasks.translate.task import TASK

if TYPE_CHECKING:
    import polars as pl


class AskOptions(PredictOptions):
    """What a translation can be told."""

    attention: bool = Field(
        False, description="Draw below each text what every unit of it was made from."
    )
    page: str | None = Field(
        None,
        description="HTML page to write the texts into, with that as pictures.",
        json_schema_extra={"metavar": "PATH", "shown": "none"},
    )


@dataclass(frozen=True, eq=False)
class Translated:
    """Answers, and how they are shown."""

    answers: Answers
    trained: Trained[Any]
    best: int
    draws: bool

    @property
    def lines(self) -> Sequence[str]:
        """A text each; where several are wanted, or it was wanted, with its score before it."""
        from gruta.tasks.translate.attention import attention_lines

        told = []
        for source, texts in zip(self.answers.sources, self.answers.texts, strict=True):
            for one in texts:
                score = "–" if one.score is None else number(one.score, 3)
                text = visible(one.text)
                told.append(f"{score}\t{text}" if self.best > 1 else text)
                if self.draws and one.attention is not None:
                    told += ["", *attention_lines(self.trained.codec, source, one), ""]
        return told

    def frame(self) -> "pl.DataFrame":
        """A row a text."""
        return self.answers.frame()

    @property
    def renamed(self) -> Mapping[str, str]:
        """None."""
        return {}


def translated(trained: Trained[Any], asked: Any, how: Mapping[str, Any]) -> Translated:
    """What texts become."""
    options = AskOptions(**how)
    own = {name: value for name, value in how.items() if name in PredictOptions.model_fields}
    answers = answered(trained, asked, **own)
    if options.page is not None:
        from gruta.tasks.translate.page import page

        page(trained, answers).save(Path(options.page))
    return Translated(answers, trained, options.best, options.attention)


COMMANDS = (Asking(TASK, "translate", translated, AskOptions),)
