"""What the page may do, whatever way it asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gruta.errors import InputError
from gruta.extras import need
from gruta.lab.made import MADE
from gruta.lab.processes import Processes
from gruta.lab.shelf import Shelf
from gruta.lab.sources import Sources
from gruta.lab.trainings import Trainings
from gruta.locale import translate as _

UPLOADS = ".handed-in"


@dataclass(frozen=True)
class Lab:
    """The models on a shelf, and the trainings beside them; may_start: whether the page may."""

    shelf: Shelf
    trainings: Trainings
    making: Processes
    may_start: bool = True

    @classmethod
    def of(cls, places: list[Path], folder: Path, may_start: bool = True) -> "Lab":
        """At these places; new runs come into `folder`."""
        shelf = Shelf(places, folder)
        sources = Sources(folder / UPLOADS)
        return cls(shelf, Trainings(shelf, folder, sources), Processes(), may_start)

    def models(self) -> list[dict[str, Any]]:
        """The list, and of what is being made how that goes."""
        found = self.shelf.listed()
        for one in found:
            if recipe := one.get("recipe"):
                failure, making = self.making.failure(recipe), self._makes(recipe)
                one["making"] = making
                one["share"] = MADE[recipe].share() if making else None
                one["error"] = {"en": failure, "pt": failure} if failure else None
        return found

    def train(self, task: str, source: str, given: Mapping[str, Any]) -> str:
        """The id of the training that is begun, as `Trainings.start`."""
        self._require_may_start()
        return self.trainings.start(task, source, given)

    def stop(self, name: str) -> None:
        """A training, as `Trainings.stop`."""
        self._require_may_start()
        self.trainings.stop(name)

    def resume(self, name: str) -> None:
        """A training, as `Trainings.resume`."""
        self._require_may_start()
        self.trainings.resume(name)

    def make(self, recipe: str) -> None:
        """Begin to make one of the page's own models, unless that is under way; InputError where
        there is no such.
        """
        self._require_may_start()
        if recipe not in MADE:
            problem = _("expected one of {known}, got {name!r}")
            raise InputError(problem.format(known=", ".join(MADE), name=recipe))
        need(*MADE[recipe].packages)
        if not self._makes(recipe):
            self.making.start(recipe, ["gruta.lab.made", recipe])

    def _makes(self, recipe: str) -> bool:
        return self.making.alive(recipe) or MADE[recipe].under_way()

    def _require_may_start(self) -> None:
        """InputError where it was said that the page starts and stops nothing."""
        if not self.may_start:
            raise InputError(
                _("nothing is started or stopped from this page: gruta lab was told so")
            )

    def end(self) -> list[str]:
        """Interrupt what was started here, as Ctrl-C does, and name it."""
        return [*self.making.end(), *self.trainings.processes.end()]
