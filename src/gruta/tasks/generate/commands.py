"""The text generator's own command: `gruta score`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gruta.codec.text.units import Units
from gruta.settings import resolve
from gruta.tasks.commands import Call, Command
from gruta.tasks.generate.settings import GenerateSettings
from gruta.tasks.generate.task import TASK
from gruta.tasks.task import Report
from gruta.tasks.trained import Trained

if TYPE_CHECKING:
    import polars as pl

    from gruta.report.page import Table
    from gruta.tasks.generate.evaluation import Evaluation


@dataclass(frozen=True, eq=False)
class Scored:
    """How likely a network finds texts, and where they surprised it."""

    trained: Trained[Units]
    found: "Evaluation"

    @property
    def tables(self) -> "Sequence[Table]":
        """The scores, and the places."""
        from gruta.tasks.generate.report import scores, surprises

        return [scores(self.found), surprises(self.found)]

    @property
    def words(self) -> Sequence[str]:
        """The score in words."""
        return [TASK.verdict(self.found), *self.found.notes]

    @property
    def report(self) -> Report:
        """The text, each unit the darker the more it cost."""
        from gruta.tasks.generate.report import scored

        return scored(self.found)

    def to_json(self) -> dict[str, Any]:
        """The scores, and the places."""
        scores = self.found.scores[0].to_json()
        return scores | {"surprises": [vars(one) for one in self.found.surprises()]}

    def frame(self) -> "pl.DataFrame":
        """A row a unit."""
        return self.found.frame()

    @property
    def renamed(self) -> Mapping[str, str]:
        """None."""
        return {}


def scored(call: Call) -> Scored:
    """Of a run and texts."""
    from gruta.tasks.generate import evaluation

    assert call.run is not None
    trained = Trained.load(call.run, TASK)
    settings = resolve(GenerateSettings, trained.settings.model_dump() | dict(call.given))
    texts = TASK.open(call.source, settings)
    call.tell(texts)
    return Scored(trained, evaluation.scored(trained, texts))


COMMANDS = (Command(TASK, "score", scored, place="score"),)
