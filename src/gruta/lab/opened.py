"""From what lies on the disk to a bundle: a run of any task or study, or a torch.nn state dict."""

import shlex
from pathlib import Path
from typing import Any

from gruta.errors import InputError
from gruta.lab import state_dict
from gruta.lab.bundle import Bundle
from gruta.lab.records import thinned
from gruta.lab.sizes import bytes_in, require_readable
from gruta.locale import translate as _
from gruta.runs import METRICS, MODEL, Run
from gruta.studies import TASK as STUDY
from gruta.tasks import registry
from gruta.tasks.portrait import Portrait
from gruta.tasks.task import Portrays
from gruta.tasks.trained import CODEC, COUNTED, INNER, Trained

_LARGEST = 64 * 2**20
"""Bytes of data that are read again for a sample."""

LAYERS = "layers"
"""The task of a model that has none."""


def bundle_of(path: Path, name: str = "", group: str = "") -> Bundle:
    """InputError where there is nothing to open, it is broken, or too large."""
    name = name or path.stem
    if path.suffix == state_dict.SUFFIX:
        return Bundle(name, LAYERS, state_dict.portrait(path), group)
    run = Run.open(path)
    for file in (MODEL, *filter(run.has, (CODEC, COUNTED, INNER))):
        require_readable(path / file)
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


def sources_of(told: Any, *, many: bool) -> list[str]:
    """What a run says it was trained on; none where it says nothing that could be."""
    if not isinstance(told, str):
        return []
    try:
        return [one for one in (shlex.split(told) if many else [told]) if one]
    except ValueError:
        return []


def learned_from(trained: Trained[Any]) -> Any:
    """What a run was trained on, if all of it is where it was, and the same; else None.

    A run says itself where that is, and may be a stranger's: no other file is read in its place.
    """
    task = trained.task
    try:
        places = [Path(one) for one in sources_of(trained.source, many=task.input.many)]
        read = [*places, *filter(None, [getattr(trained.settings, "test", "")])]
        if not places or sum(bytes_in(Path(one)) for one in read) > _LARGEST:
            return None
        found = task.open(places if task.input.many else places[0], trained.settings)
        same = task.read(found, trained.settings).fingerprint() == trained.data
    except (OSError, ValueError):
        return None
    return found if same else None


def _portrait(run: Run) -> Portrait:
    if run.task == STUDY:
        from gruta.studies.portrait import portrait  # which needs PyTorch, and seconds for that

        return portrait(run.path)
    task = registry.task_of(run.path)
    trained = Trained.load(run.path, task)
    return _of_task(task, trained, learned_from(trained))


def _of_task(task: Any, trained: Trained[Any], source: Any) -> Portrait:
    if not isinstance(task, Portrays):
        raise InputError(_("{task}: its networks are not for the page yet").format(task=task.name))
    return task.portrait(trained, source)
