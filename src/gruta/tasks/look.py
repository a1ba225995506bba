"""An X-ray of a trained network, of whatever task."""

import copy
from dataclasses import replace
from typing import Any

from gruta.insight import XRay, xray
from gruta.surroundings import undisturbed
from gruta.tasks.task import Task
from gruta.tasks.trained import Trained


@undisturbed()
def xrayed(task: Task[Any], trained: Trained[Any], source: Any, **how: Any) -> XRay:
    """The network while it reads one sequence of `source`; InputError where there is none."""
    found = task.look(trained, source, **how)
    model = copy.deepcopy(found.model)  # others may work with it meanwhile
    seen = xray(model, *found.inputs, loss=found.loss, labels=found.labels, columns=found.columns)
    return replace(
        seen,
        shown=found.shown,
        answer=found.answer,
        foretold=found.foretold,
        training={"leave_out": found.leave_out},
    )
