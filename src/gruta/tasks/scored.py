"""What a finished training scores on what was held out of it, told and kept in its run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gruta.report.page import write
from gruta.runs import Run
from gruta.runs.summary import SCORES
from gruta.tasks.scores import to_json
from gruta.tasks.task import Evaluation, Task
from gruta.tasks.trained import Trained


def score(
    task: Task[Any],
    trained: Trained[Any],
    data: Any,
    metrics: Sequence[Mapping[str, Any]],
    place: Path,
    like: Any = None,
    *,
    page: bool = True,
) -> Evaluation | None:
    """The evaluation, with its page (if wanted) and scores.json in `place`; None where nothing was
    held out.

    data: what was trained on, opened. metrics: the training's records. like: another network's
    evaluation, with the simple models for this one's.
    """
    held_out = task.held_out(data, trained.settings)
    if held_out is None:
        return None
    found = task.evaluate(trained, like=like, **held_out)
    if page:
        told = task.report(trained, found, [dict(record) for record in metrics])
        write(place, told.title, told.lead, told.sections)
    Run(place).write_json(SCORES, to_json(found.scores, found.lost_to))
    return found
