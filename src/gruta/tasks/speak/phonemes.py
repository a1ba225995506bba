"""Where a speaker's phonemes come from: a translator's run, or its model file."""

from pathlib import Path

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runs import Run
from gruta.runs.summary import SCORES
from gruta.runtime.file import Contents, load
from gruta.tasks import registry
from gruta.tasks.exporting import contents_of
from gruta.tasks.speak.pronouncing import TRANSLATE, Pronouncer
from gruta.tasks.trained import Trained


def opened(place: str) -> Pronouncer:
    """Of a run of the translator, or a model file of one; InputError where it is neither, or turns
    no words into phonemes.
    """
    try:
        return Pronouncer(_contents(Path(place)))
    except ValueError as error:
        named = str(error) if str(error).startswith(f"{Path(place)}") else f"{place}: {error}"
        problem = _("{error}; name a run of gruta train translate, or a model file of one")
        raise InputError(phonemes=problem.format(error=named)) from error


def word_error(place: str) -> float | None:
    """The share of words that such a run had wrong on its own test; None where that is not known
    any more.
    """
    run = Run(Path(place))
    try:
        return 1 - float(run.read_json(SCORES)["scores"][0]["exact"]) if run.has(SCORES) else None
    except (InputError, IndexError, KeyError, TypeError):
        return None


def _contents(path: Path) -> Contents:
    if not path.is_dir():
        return load(path)
    return contents_of(Trained.load(path, registry.task(TRANSLATE)))
