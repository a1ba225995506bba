"""From data to a trained network, for every task alike."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic

import torch
from safetensors.numpy import load, save

from gruta.errors import OtherRun
from gruta.locale import translate as _
from gruta.nn.draws import drawing
from gruta.runs import METRICS, MODEL, MetricsFile, Run, read_metrics, write_arrays
from gruta.runs.lock import training_alone
from gruta.runs.tensors import metadata, unpacked
from gruta.runtime.file import Contents
from gruta.settings import resolve
from gruta.stopwatch import Stopwatch, together
from gruta.surroundings import threads, undisturbed
from gruta.tasks.members import joined, of_member
from gruta.tasks.task import Asks, C, Chooses, Combines, Counts, Task, networks
from gruta.tasks.trained import CODEC, COUNTED, INNER, Trained, choice_of, inner_of
from gruta.tracking import require_tracker
from gruta.train import Lesson, Progress, train
from gruta.train.ranks import Ranks, current

MEMBERS = "members"
"""Where the networks of an ensemble lie in its run, each a run by its name."""


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
    InputError on data that does not fit; else raises as `gruta.train.train` does. Inside
    `gruta.train.together` it is one training of several processes, which all get what came of it;
    the first alone touches the directory.
    """
    require_tracker(settings.tracker)
    with threads(settings.threads):
        told = str(source) if isinstance(source, str | Path) else name
        data = task.read(source, settings)
        training = _Training(data, data.fingerprint(), told, progress or Progress())
        training.ranks.require_alike(_of_all(settings, training.fingerprint))
        del data
        of = training.of_members if networks(task, settings) else training.of_one
        return of(task, settings, directory, resume)


@dataclass
class _Training:
    """Of one network, or of several, on data that was read from `source`."""

    data: Any
    fingerprint: str
    source: str | None
    progress: Progress
    ranks: Ranks = field(default_factory=current)

    def of_one(
        self, task: Task[C], settings: Any, directory: Path, resume: bool, *, last: bool = True
    ) -> Fitted[C]:
        """Train a network in `directory`; the last one lets go of the data."""
        codec, lesson = prepared(task, self.data, settings)
        inner = task.inner(self.data) if isinstance(task, Asks) else None
        run = self._begin(task, settings, directory, resume)
        if inner is not None and self.ranks.first:
            _keep(run, inner)
        chosen = self._chosen(task, settings, run)
        if chosen != settings:
            settings = chosen
            codec, lesson = prepared(task, self.data, settings)
        if last:
            self.data = None  # as large as what the lesson made of it
        stopwatch = train(lesson, settings, run, self.progress)

        def settled() -> Fitted[C]:
            own = task.settle(lesson, codec)
            counted = task.count(lesson, own) if isinstance(task, Counts) else {}
            if counted:
                write_arrays(run, COUNTED, counted)
            run.write_json(CODEC, own.to_json())
            state = lesson.model.state_dict()
            weights = {name: value.detach().cpu().numpy().copy() for name, value in state.items()}
            trained = replace(self._trained(task, settings, own, weights, run), counted=counted)
            return Fitted(trained, stopwatch, read_metrics(run.path / METRICS))

        found = self._of_the_first(task, settings, stopwatch, settled)
        return replace(found, trained=replace(found.trained, inner=inner))

    def of_members(self, task: Task[C], settings: Any, directory: Path, resume: bool) -> Fitted[C]:
        """Train each as a run of its own below `directory`; those that are done stay so."""
        assert isinstance(task, Combines)
        own_task, own = next(iter(networks(task, settings).values()))
        prepared(own_task, self.data, own)
        run = self._begin(task, settings, directory, resume)
        settings = self._chosen(task, settings, run)
        members = networks(task, settings)
        fitted: dict[str, Fitted[C]] = {}
        with training_alone(run) if self.ranks.first else nullcontext():
            for name, (own_task, own) in members.items():
                self.progress.part(name, len(fitted) + 1, len(members))
                place = run.path / MEMBERS / name
                begun = bool(self.ranks.share(b"1" if (place / "run.json").is_file() else b""))
                fitted[name] = self.of_one(own_task, own, place, begun, last=False)
            trained = {name: one.trained for name, one in fitted.items()}
            codec = task.combined(list(trained.values()), self.data, settings)
            weights = joined({name: one.weights for name, one in trained.items()})
            records = list(_told(fitted))
            if self.ranks.first:
                with MetricsFile(run.path / METRICS) as metrics:
                    for record in records:
                        metrics.append(record)
                run.write_json(CODEC, codec.to_json())
                write_arrays(run, MODEL, weights)
        stopwatch = together([one.stopwatch for one in fitted.values()])
        return Fitted(self._trained(task, settings, codec, weights, run), stopwatch, records)

    def _of_the_first(
        self, task: Task[C], settings: Any, stopwatch: Stopwatch, made: Callable[[], Fitted[C]]
    ) -> Fitted[C]:
        """What the first process has made of the training, in all of them."""
        if self.ranks.size == 1:
            return made()
        if self.ranks.first:
            found = made()
            self.ranks.share(_packed(found))
            return found
        arrays, told = unpacked(self.ranks.share(), load)
        codec = task.codec.from_json(told["codec"])
        weights, counted = (of_member(name, arrays) for name in ("weights", "counted"))
        about = self.fingerprint, self.source, told["choice"], counted
        return Fitted(Trained(task, settings, codec, weights, *about), stopwatch, told["metrics"])

    def _begin(self, task: Task[C], settings: Any, directory: Path, resume: bool) -> Run:
        if not self.ranks.first:
            return Run(directory)
        return Run.begin(
            directory,
            task.name,
            settings,
            self.fingerprint,
            resume=resume,
            threads=torch.get_num_threads(),
            source=self.source,
        )

    def _chosen(self, task: Task[C], settings: Any, run: Run) -> Any:
        """The settings, with those found out that they leave open."""
        if not (isinstance(task, Chooses) and task.leaves_open(settings)):
            return settings
        if not self.ranks.first:
            return resolve(task.settings, json.loads(self.ranks.share()))
        chosen = task.choose(self.data, settings, run, self.progress)
        self.ranks.share(chosen.model_dump_json().encode())
        return chosen

    def _trained(
        self, task: Task[C], settings: Any, codec: C, weights: Any, run: Run
    ) -> Trained[C]:
        found = self.fingerprint, self.source, choice_of(run) if self.ranks.first else None
        return Trained(task, settings, codec, weights, *found)


def prepared(task: Task[C], data: Any, settings: Any) -> tuple[C, Lesson]:
    """What training begins with; InputError where settings and data do not go together."""
    codec = task.fit_codec(data, settings)
    with drawing(settings.seed):
        network = task.network(codec, settings)
    return codec, task.lesson(network, codec, data, settings)


def _keep(run: Run, inner: Contents) -> None:
    """The model that is asked beside the network, in the run; OtherRun where that has another."""
    before = inner_of(run)
    if before is None:
        run.write(INNER, inner.to_bytes())
    elif before.digest != inner.digest:
        problem = _(
            "{path}: the run was started with another {task} model beside it; resume with the same "
            "one, or train in another directory"
        )
        raise OtherRun(problem.format(path=run.path, task=inner.task))


def _packed(fitted: Fitted[Any]) -> bytes:
    trained = fitted.trained
    arrays = joined({"weights": trained.weights, "counted": trained.counted})
    codec, choice = trained.codec.to_json(), trained.choice
    return save(arrays, metadata({"codec": codec, "choice": choice, "metrics": fitted.metrics}))


def _of_all(settings: Any, fingerprint: str) -> bytes:
    """What all processes of a training have alike."""
    own = settings.model_dump_json(exclude={"device", "threads", "tracker"})
    return f"{fingerprint} {own}".encode()


def _told(fitted: Mapping[str, Fitted[Any]]) -> Iterator[dict[str, Any]]:
    """The records of all members, which they name; seconds go on from one to the next."""
    before = 0.0
    for name, one in fitted.items():
        for record in one.metrics:
            since = {"seconds": record["seconds"] + before} if "loss" in record else {}
            yield record | since | {"member": name}
        before += one.stopwatch.total
