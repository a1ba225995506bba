"""A training under way: what the checkpoint holds, and what is written on the way."""

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

from gruta.errors import InputError
from gruta.health.clipping import Clipper, Clipping
from gruta.locale import translate as _
from gruta.runs import CHECKPOINT, METRICS, MODEL, MetricsFile, Run
from gruta.runs.tensors import metadata, unpacked
from gruta.settings import TrainSettings
from gruta.stopwatch import Stopwatch
from gruta.tracking import Track, tracking
from gruta.train.averaging import Averaging
from gruta.train.lesson import Concludes, Keeps, Lesson, State, Validation
from gruta.train.progress import Diverged, Progress
from gruta.train.schedule import make_optimizer, rate
from gruta.train.shares import Division, joined
from gruta.weights import read_tensors, write_tensors


@dataclass
class Position:
    """Where training stands; the checkpoint holds it."""

    step: int = 0
    best_loss: float | None = None
    best_step: int = 0
    validations_since_best: int = 0
    metrics_bytes: int = 0
    seconds: float = 0.0
    clipper: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Log:
    """Where a training's lines go: metrics.jsonl, a tracker if there is one, and a person; of
    several processes those of the first alone, and the others have no file.
    """

    metrics: MetricsFile | None
    track: Track | None
    progress: Progress

    def append(self, record: Mapping[str, Any]) -> None:
        """A line of metrics."""
        if self.metrics is not None:
            self.metrics.append(record)

    def write(self, record: Mapping[str, Any]) -> None:
        """A line of metrics, and its numbers to the tracker."""
        self.append(record)
        if self.track is not None:
            apart = ("step", "health", "samples")
            flat = {name: value for name, value in record.items() if name not in apart}
            health = record.get("health", {})
            flat |= {f"health/{k}".replace(" ", "_"): value for k, value in health.items()}
            known = {name: value for name, value in flat.items() if value is not None}
            self.track(known, step=record["step"])


@contextmanager
def begun(
    lesson: Lesson, settings: TrainSettings, run: Run, progress: Progress, division: Division
) -> Iterator["Training"]:
    """The training where the run's checkpoint left it; without one, at its start.

    One that is not the first of several processes knows of no run, until it is told (`align`).
    """
    if not division.ranks.first:
        log = Log(None, None, progress)
        yield Training(lesson, settings, run, log, Position(), division)
        return
    position, tensors = Position(), None
    if run.has(CHECKPOINT):
        tensors, about = read_tensors(run, CHECKPOINT)
        with _fitting(run):
            position = Position(**about)
    with (
        MetricsFile(run.path / METRICS, position.metrics_bytes) as metrics,
        tracking(settings.tracker, run.path) as track,
    ):
        log = Log(metrics, track, progress)
        training = Training(lesson, settings, run, log, position, division)
        if tensors is not None:
            with _fitting(run):
                training.restore(tensors)
        yield training


@contextmanager
def _fitting(run: Run) -> Iterator[None]:
    """InputError where what a checkpoint holds is not of this training."""
    try:
        yield
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        problem = _(
            "{path}: does not fit the model and optimiser of this run ({error}); restore the file, "
            "or train again in another directory"
        )
        raise InputError(problem.format(path=run.path / CHECKPOINT, error=error)) from error


class Training:
    """A training under way."""

    def __init__(
        self,
        lesson: Lesson,
        settings: TrainSettings,
        run: Run,
        log: Log,
        position: Position,
        division: Division,
    ) -> None:
        self.lesson, self.settings, self.run, self._log = lesson, settings, run, log
        self.model, self.position, self.division = lesson.model, position, division
        self.optimizer = make_optimizer(self.model, settings)
        self._averaging = Averaging(self.model, settings.average)
        self.clipper = Clipper(settings.clip, settings.clip_threshold)
        self.clipper.alike = division.ranks.size > 1  # those of all, summed
        self.watch = Stopwatch(position.seconds)
        self.best: dict[str, Tensor] = {}
        self.states = division.states(None)
        self._resumed: State | None = None

    def carry(self, i: int, state: State | None) -> None:
        """Let this state be what the next step of the i-th of this process's shares starts from;
        gradients end at it.
        """
        self.states[i] = None if state is None else tuple(s.detach() for s in state)

    def align(self) -> None:
        """Be where the first process is."""
        ranks = self.division.ranks
        if ranks.size == 1:
            return
        own = b""
        if ranks.first:
            about = metadata(asdict(self._counted()))
            tensors = self._tensors() | {f"state/{i}": s for i, s in enumerate(self._resumed or ())}
            own = save({k: v.cpu().contiguous() for k, v in tensors.items()}, about)
        raw = ranks.share(own)
        if not ranks.first:
            tensors, about = unpacked(raw, load)
            vars(self.position).update(about)
            self._take(tensors)

    @property
    def is_over(self) -> bool:
        """Whether all steps are taken, or too many validations went by without a better one."""
        out_of_patience = 0 < self.settings.patience <= self.position.validations_since_best
        return self.position.step >= self.settings.steps or out_of_patience

    @torch.no_grad()
    def prepare(self) -> None:
        """Before the first step: what the lesson needs, and a first validation; of several
        processes the first does.
        """
        with self.watch("prepare"):
            self.lesson.prepare(self._log.progress)
        self._log.write({"step": 0, "seconds": round(self.watch.seconds["prepare"], 3)})
        self._validate()

    def learn(self, clipping: Clipping) -> None:
        """A step of the optimiser on the clipped gradients, unless one of them is not finite."""
        if clipping.nonfinite is None:
            for group in self.optimizer.param_groups:
                group["lr"] = rate(self.settings, self.position.step)
            self.optimizer.step()
            self._averaging.learn(self.position.step + 1)
        self.optimizer.zero_grad()

    def stepped(self, loss: Tensor, clipping: Clipping) -> None:
        """Count a step, and write a line of it where one is due."""
        self.position.step += 1
        if clipping.nonfinite is not None:
            self._skipped(clipping.nonfinite)
        if self.is_due(self.settings.log_every):
            self._write_step(float(loss.detach()), clipping)

    def is_due(self, every: int) -> bool:
        """Whether this is a step of every so many, or the last."""
        return self.position.step % every == 0 or self.position.step == self.settings.steps

    def _skipped(self, culprit: str) -> None:
        """Record that a step was left out; after too many in a row, give up (Diverged).

        culprit: the parameter whose gradient is not finite, or "loss".
        """
        self.states = self.division.states(None)
        self._log.append({"step": self.position.step, "skipped": culprit})
        self._log.progress.note(
            _("step {step} skipped, not finite: {culprit}").format(
                step=self.position.step, culprit=culprit
            )
        )
        if self.clipper.exhausted:
            message = _(
                "{count} steps in a row had a loss or a gradient that is not finite, last that of "
                "{culprit}; the checkpoint before them is kept in {path}. Lower the learning rate "
                "or the clipping threshold, and train again"
            )
            raise Diverged(
                message.format(count=self.clipper.patience, culprit=culprit, path=self.run.path)
            )

    def _write_step(self, loss: float, clipping: Clipping) -> None:
        """A line of metrics; names are fixed, so that runs can be compared."""
        record = {
            "step": self.position.step,
            "loss": _finite(loss),
            "learning_rate": rate(self.settings, self.position.step - 1),
            "gradient_norm_before_clipping": _finite(clipping.norm_before),
            "gradient_norm_after_clipping": _finite(clipping.norm_after),
            "clip_coefficient": clipping.coefficient,
            "clip_cosine": clipping.cosine,
            "clipped_share": self.clipper.clipped_share,
            "seconds": round(self.watch.total, 3),
        }
        self._log.write(record)
        self._log.progress.step(record)

    def seen(self, values: dict[str, float], step: int) -> None:
        """A line of what `Watch` measured in a step, by layer and measure."""
        found = {name: _finite(value) for name, value in values.items()}
        self._log.write({"step": step + 1, "health": found})

    def validate(self) -> None:
        """Score the validation part, and keep the weights if they are the best so far; the first of
        several processes tells the others what came of it.
        """
        ranks = self.division.ranks
        if ranks.first:
            self._validate()
        if ranks.size > 1:
            with self.watch("validation"):
                found = ranks.share(json.dumps(asdict(self.position)).encode())
            vars(self.position).update(json.loads(found))

    @torch.no_grad()
    def _validate(self) -> None:
        with self.watch("validation"), self._averaging.shown():
            self.model.eval()
            found = self.lesson.validate()
            samples = self.lesson.samples(self.position.step)
            best = self._is_best(found)
            if best:
                self.best = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        scores = {"validation_loss": found.loss, **found.scores}
        if found.criterion is not None:
            scores["criterion"] = found.criterion
        step = self.position.step
        record = {"step": step} | {name: _finite(s) for name, s in scores.items()}
        self._log.write(record)
        self._log.progress.validated(record, best)
        if samples:
            self._log.write({"step": step, "samples": dict(samples)})
            for title, text in samples.items():
                self._log.progress.note(f"{title}: {text}")

    def _is_best(self, found: Validation) -> bool:
        """Whether nothing before was as good; counted."""
        position = self.position
        reached = found.loss if found.criterion is None else found.criterion
        bar = math.inf if position.best_loss is None else position.best_loss
        best = not self.best or reached < bar
        if best:
            position.best_loss, position.best_step = _finite(reached), position.step
        position.validations_since_best = 0 if best else position.validations_since_best + 1
        return best

    def save(self) -> None:
        """Write the checkpoint; after a gradient that was not finite, the last good one stays."""
        if self.clipper.nonfinite_in_a_row:
            return
        with self.watch("checkpoint"):
            state = self._whole_state()
            if not self.division.ranks.first:
                return
            tensors = self._tensors() | {f"state/{i}": s for i, s in enumerate(state or ())}
            kept = best_at(self.position.best_step)
            if not self.run.has(kept):
                write_tensors(self.run, kept, self.best)
            write_tensors(self.run, CHECKPOINT, tensors, asdict(self._counted()))
            self._drop_all_best_but(kept)
            self._log.progress.saved()

    def _counted(self) -> Position:
        """The position, with all that is counted elsewhere."""
        assert self._log.metrics is not None
        self.position.clipper = self.clipper.state_dict()
        self.position.metrics_bytes = self._log.metrics.synced_size()
        self.position.seconds = self.watch.total
        return self.position

    def _tensors(self) -> dict[str, Tensor]:
        """What a checkpoint holds, but for a carried state."""
        tensors = {f"model/{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"average/{k}": v for k, v in self._averaging.state_dict().items()}
        own = self.lesson.kept() if isinstance(self.lesson, Keeps) else {}
        tensors |= {f"lesson/{name}": value for name, value in own.items()}
        for i, slots in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer/{i}/{k}": v for k, v in slots.items() if v is not None}
        return tensors

    def _whole_state(self) -> State | None:
        """The carried state of all rows, of whichever process they are."""
        own, ranks = joined(self.states), self.division.ranks
        if ranks.size == 1:
            return own
        raw = save({str(i): s.cpu().contiguous() for i, s in enumerate(own or ())})
        every = [load(one) for one in ranks.all(raw)]
        return joined([tuple(one[str(i)] for i in range(len(one))) or None for one in every])

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Everything as the checkpoint's tensors have it; errors of many kinds if they do not fit.

        The best weights lie in a file of their own, which names their step; those that version
        0.1.0 wrote, in the checkpoint itself.
        """
        kept = best_at(self.position.best_step)
        file = kept if self.run.has(kept) else MODEL
        self.best = _under("best/", tensors) or read_tensors(self.run, file)[0]
        self._take(tensors)

    def _take(self, tensors: Mapping[str, Tensor]) -> None:
        self.clipper.load_state_dict(self.position.clipper)
        self.model.load_state_dict(_under("model/", tensors))
        self._averaging.load_state_dict(_under("average/", tensors))
        own = _under("lesson/", tensors)
        if own and isinstance(self.lesson, Keeps):
            self.lesson.restored(own)
        state = _under("state/", tensors)
        device = next(self.model.parameters()).device
        self._resumed = tuple(state[str(i)].to(device) for i in range(len(state))) or None
        self.states = self.division.states(self._resumed)
        slots: dict[int, dict[str, Tensor]] = {}
        for name, value in _under("optimizer/", tensors).items():
            i, slot = name.split("/")
            slots.setdefault(int(i), {})[slot] = value
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": slots})

    def finish(self) -> None:
        """Leave the best weights in the model and in the run's model.safetensors; the first of
        several processes does.
        """
        self.watch.stop()
        if not self.division.ranks.first:
            return
        self.model.load_state_dict(self.best)
        if isinstance(self.lesson, Concludes):
            self.lesson.conclude()
        write_tensors(self.run, MODEL, self.model.state_dict(), {"step": self.position.best_step})
        self._drop_all_best_but(MODEL)

    def _drop_all_best_but(self, kept: str) -> None:
        for file in self.run.path.glob(best_at("*")):
            if file.name != kept:
                file.unlink(missing_ok=True)


def best_at(step: int | str) -> str:
    """The file of the best weights so far, which are those after this step.

    With the step in its name a kill between this file and the checkpoint leaves no pair that does
    not fit: the checkpoint knows its step, and the file of another one is dropped later.
    """
    return f"best-{step}.safetensors"


def _finite(x: float) -> float | None:
    """JSON has no word for NaN or infinity."""
    return x if math.isfinite(x) else None


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
