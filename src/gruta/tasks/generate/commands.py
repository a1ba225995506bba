"""The text generator's own command: `gruta score`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gruta.settings import resolve
from gruta.tasks.commands import Call, Command
from gruta.tasks.generate.options import ScoreOptions
from gruta.tasks.generate.settings import GenerateSettings
from gruta.tasks.generate.task import TASK
from gruta.tasks.task import Report
from gruta.tasks.trained import Trained

if TYPE_CHECKING:
    import polars as pl

    from gruta.report.page import Table


@dataclass(frozen=True, eq=False)
class Scored:
    """How likely a network finds texts or pieces, and where they surprised it."""

    trained: Trained[Any]
    found: Any

    @property
    def tables(self) -> "Sequence[Table]":
        """The scores, and the places."""
        return [self._told.scores(self.found), self._told.surprises(self.found)]

    @property
    def words(self) -> Sequence[str]:
        """The score in words."""
        return [TASK.verdict(self.found), *self.found.notes]

    @property
    def report(self) -> Report:
        """The text, each unit the darker the more it cost."""
        found: Report = self._told.scored(self.found)
        return found

    @property
    def _told(self) -> Any:
        """How units of this kind are told of."""
        if self.trained.codec.kind == "notes":
            from gruta.tasks.generate.notes import report as of_notes

            return of_notes
        from gruta.tasks.generate import report as of_text

        return of_text

    def to_json(self) -> dict[str, Any]:
        """The scores, and the places."""
        scores: dict[str, Any] = self.found.scores[0].to_json()
        return scores | {"surprises": [vars(one) for one in self.found.surprises()]}

    def frame(self) -> "pl.DataFrame":
        """A row a unit."""
        found: pl.DataFrame = self.found.frame()
        return found

    @property
    def renamed(self) -> Mapping[str, str]:
        """None."""
        return {}


def scored(call: Call) -> Scored:
    """Of a run and texts."""
    assert call.run is not None
    trained = Trained.load(call.run, TASK)
    settings = resolve(GenerateSettings, trained.settings.model_dump() | dict(call.given))
    read = TASK.open(call.source, settings)
    call.tell(read)
    dynamic = resolve(ScoreOptions, dict(call.how)).dynamic
    return Scored(trained, TASK.scored(trained, read, dynamic, call.progress))


COMMANDS = (Command(TASK, "score", scored, ScoreOptions, place="score"),)
