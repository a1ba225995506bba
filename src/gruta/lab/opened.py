"""From what lies on the disk to a bundle: a run of any task or study, or a torch.nn state dict."""

from pathlib import Path
from typing import Any

from gruta.errors import InputError
from gruta.lab import state_dict
from gruta.lab.bundle import Bundle
from gruta.lab.records import thinned
from gruta.lab.sizes import require_readable
from gruta.locale import translate as _
from gruta.runs import METRICS, MODEL, Run
from gruta.studies.contest import TASK as STUDY
from gruta.tasks import registry
from gruta.tasks.portrait import Portrait
from gruta.tasks.task import Portrays
from gruta.tasks.trained import Trained

LAYERS = "layers"
"""The task of a model that has none."""


def bundle_of(path: Path, name: str = "", group: str = "") -> Bundle:
    """InputError where there is nothing to open, it is broken, or too large."""
    name = name or path.stem
    if path.suffix == state_dict.SUFFIX:
        return Bundle(name, LAYERS, state_dict.portrait(path), group)
    run = Run.open(path)
    require_readable(path / MODEL)
    return Bundle(name, run.task, _portrait(run), group, thinned(path / METRICS))


def read(path: Path, source: Any) -> Portrait:
    """The portrait of a run that reads `source`, a file or a text; InputError where it reads no
    such thing.
    """
    task = registry.task_of(path)
    trained = Trained.load(path, task)
    if isinstance(source, str):
        text = task.of_text(source, trained.codec)
        if text is None:
            raise InputError(_("{path}: it reads no text, but a file").format(path=path))
        source = text
    return _of_task(task, trained, source)


def _portrait(run: Run) -> Portrait:
    if run.task == STUDY:
        from gruta.studies.portrait import portrait

        return portrait(run.path)
    task = registry.task_of(run.path)
    return _of_task(task, Trained.load(run.path, task), None)


def _of_task(task: Any, trained: Trained[Any], source: Any) -> Portrait:
    if not isinstance(task, Portrays):
        raise InputError(_("{task}: its networks are not for the page yet").format(task=task.name))
    return task.portrait(trained, source)
