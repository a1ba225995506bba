"""From data to a trained network, for every task alike."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

import torch

from gruta.nn.draws import drawing
from gruta.runs import METRICS, Run, read_metrics
from gruta.stopwatch import Stopwatch
from gruta.surroundings import threads, undisturbed
from gruta.tasks.task import C, Task
from gruta.tasks.trained import CODEC, Trained
from gruta.tracking import require_tracker
from gruta.train import Progress, train


@dataclass(frozen=True, eq=False)
class Fitted(Generic[C]):
    """What was learned, where the time went, and the records of the training."""

    trained: Trained[C]
    stopwatch: Stopwatch
    metrics: list[dict[str, Any]]


@undisturbed()
def fit(
    task: Task[C],
    source: Any,
    settings: Any,
    directory: Path,
    *,
    resume: bool = False,
    progress: Progress | None = None,
    name: str | None = None,
) -> Fitted[C]:
    """Train on `source`, but for what is held out of it, in a run's directory.

    name: what run.json calls the source, where that was opened before.
    resume: the run is there, has the same settings and data, and goes on where it stopped.
    InputError on data that does not fit; else raises as `gruta.train.train` does.
    """
    require_tracker(settings.tracker)
    with threads(settings.threads):
        data = task.read(source, settings)
        fingerprint = data.fingerprint()
        codec = task.fit_codec(data, settings)
        with drawing(settings.seed):
            network = task.network(codec, settings)
        lesson = task.lesson(network, codec, data, settings)
        del data  # as large as what the lesson made of it
        told = str(source) if isinstance(source, str | Path) else name
        run = Run.begin(
            directory,
            task.name,
            settings,
            fingerprint,
            resume=resume,
            threads=torch.get_num_threads(),
            source=told,
        )
        stopwatch = train(lesson, settings, run, progress)
        codec = task.settle(lesson, codec)
        run.write_json(CODEC, codec.to_json())
        weights = {k: v.detach().cpu().numpy().copy() for k, v in network.state_dict().items()}
        trained = Trained(task, settings, codec, weights, fingerprint, told)
    return Fitted(trained, stopwatch, read_metrics(run.path / METRICS))
