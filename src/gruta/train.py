"""The one training loop. Read `train` from top to bottom; what a sample is, the task says.

All that is random in a step is a function of the seed and the step, and nothing is carried in a
generator, so a run that was killed goes on from its checkpoint to the same numbers.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from gruta.errors import InputError
from gruta.health.clipping import Clipper, Clipping
from gruta.health.watching import Watch
from gruta.locale import translate as _
from gruta.nn.draws import drawing
from gruta.precision import computing_in
from gruta.runs import CHECKPOINT, METRICS, MODEL, MetricsFile, Run
from gruta.runs.lock import training_alone
from gruta.settings import TrainSettings
from gruta.stopping import StopSignal
from gruta.stopwatch import Stopwatch
from gruta.surroundings import learning, seeded
from gruta.tracking import Track, tracking
from gruta.weights import read_tensors, write_tensors

Batch = dict[str, Tensor]
State = tuple[Tensor, ...]


class Task(Protocol):
    """What the loop asks of a task.

    One whose random numbers are all drawn by `gruta.nn`'s layers, or by generators of its own, may
    say so by an attribute `own_draws = True`: the loop then leaves torch's global generators alone.
    For others it seeds them at each step and puts them back after it. As there is one a process,
    such trainings in threads take turns, a step at a time.
    """

    @property
    def model(self) -> nn.Module:
        """The network."""

    def batch(self, step: int) -> Batch:
        """The batch of this step: a function of the seed and the step alone."""

    def loss(self, batch: Batch, state: State | None) -> tuple[Tensor, State | None]:
        """The loss, and the state to carry into the next step (None: nothing is carried)."""

    def validate(self) -> dict[str, float]:
        """Scores on the validation part by name; the lowest "validation_loss" is the best."""


class Progress:
    """Where a person sees how training goes; this one shows nothing."""

    def step(self, record: Mapping[str, Any]) -> None:
        """After each logged step, with its line of metrics."""

    def validated(self, record: Mapping[str, Any], best: bool) -> None:
        """After each validation, with its line of metrics."""

    def note(self, message: str) -> None:
        """Something that deserves a line."""


class Interrupted(Exception):
    """Training was asked to stop, and has saved where it stands."""


class Diverged(RuntimeError):
    """Gradients stayed non-finite; the last good checkpoint is kept."""


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


@learning()
def train(
    task: Task, settings: TrainSettings, run: Run, progress: Progress | None = None
) -> Stopwatch:
    """Train `task.model` in `run`, from its checkpoint if there is one, and leave the best weights.

    They end in the model and in the run's model.safetensors. The answer tells where the time went.
    Raises Interrupted after Ctrl-C or SIGTERM, Diverged after ten non-finite gradients in a row,
    InputError where another process trains in the same run.
    It learns whatever gradient mode or autocast the caller is in, and leaves these, torch's
    generators, and accelerate's state as they were; in threads each training comes to the numbers
    that it has alone.
    """
    device = _device(settings)
    model = _trainable(task.model).to(device)
    optimizer = make_optimizer(model, settings)
    clipper = Clipper(settings.clip, settings.clip_threshold)
    training = Training(task, settings, run, progress or Progress(), model, optimizer, clipper)

    with training_alone(run):
        with (
            StopSignal() as stop,
            training.restored(),
            tracking(settings.tracker, run.path) as training.track,
            computing_in(settings.precision, model, device),
            _watching(training) as watching,
        ):
            watch, position = training.watch, training.position
            if position.step == 0:
                with _draws(task, settings, settings.steps, device):
                    training.validate()
            while position.step < settings.steps and not training.patience_is_over:
                with _draws(task, settings, position.step, device):
                    with watch("batch"):
                        batch = {k: v.to(device) for k, v in task.batch(position.step).items()}
                    with watch("forward"):
                        model.train()
                        loss, training.state = task.loss(batch, training.state)
                    with watch("backward"):
                        loss.backward()  # type: ignore[no-untyped-call]
                    with watch("optimizer"):
                        clipping = clipper.clip(model.named_parameters(), loss)
                        if clipping.nonfinite is None:
                            for group in optimizer.param_groups:
                                group["lr"] = rate(settings, position.step)
                            optimizer.step()
                        optimizer.zero_grad()
                    if watching is not None:
                        watching.measure()
                    position.step += 1

                    last = position.step == settings.steps
                    with watch("log"):
                        if clipping.nonfinite is not None:
                            training.skipped(clipping.nonfinite)
                        if position.step % settings.log_every == 0 or last:
                            training.log(float(loss.detach()), clipping)
                    if position.step % settings.validate_every == 0 or last:
                        training.validate()
                if position.step % settings.checkpoint_every == 0 or last or stop.requested:
                    training.save()
                if stop.requested:
                    raise Interrupted(
                        _("stopped after step {step} of {steps}").format(
                            step=position.step, steps=settings.steps
                        )
                    )

        watch.stop()
        model.load_state_dict(training.best)
        write_tensors(run, MODEL, training.best, {"step": position.best_step})
    return watch


@contextmanager
def _watching(training: "Training") -> Iterator[Watch | None]:
    """What looks at the layers meanwhile, if the settings ask for it."""
    every = training.settings.watch_every
    if not every:
        yield None
        return
    with Watch(training.model, every, training.seen) as watching:
        watching.step = training.position.step
        yield watching


def _device(settings: TrainSettings) -> torch.device:
    if settings.device == "auto":
        backends = {"cuda": torch.cuda, "mps": torch.backends.mps, "xpu": torch.xpu}
        for kind, backend in backends.items():
            if backend.is_available():
                return torch.device(kind)
    return torch.device("cpu")


def _trainable(model: nn.Module) -> nn.Module:
    """The model; InputError if autograd can never follow its parameters."""
    for name, parameter in model.named_parameters():
        if parameter.is_inference():
            raise InputError(
                f"model: its parameter {name} was made under torch.inference_mode(), and cannot "
                "learn; build the model outside of it"
            )
    return model


@contextmanager
def _draws(task: Task, settings: TrainSettings, step: int, device: torch.device) -> Iterator[None]:
    """All that is drawn meanwhile follows from the seed and the step."""
    seed = seed_of(settings.seed, step)
    if getattr(task, "own_draws", False) and not _is_compiled(task.model):
        with drawing(seed):
            yield
    else:
        with drawing(None), seeded(seed, device):
            yield


def _is_compiled(model: nn.Module) -> bool:
    """Whether torch.compile has a part of it, which draws from torch's generators."""
    return any(hasattr(m, "_orig_mod") or m._compiled_call_impl for m in model.modules())


class Training:
    """A training under way: what the checkpoint holds, and what is written on the way."""

    track: Track | None = None

    def __init__(
        self,
        task: Task,
        settings: TrainSettings,
        run: Run,
        progress: Progress,
        model: nn.Module,
        optimizer: Any,
        clipper: Clipper,
    ) -> None:
        self.task, self.settings, self.run, self.progress = task, settings, run, progress
        self.model, self.optimizer, self.clipper = model, optimizer, clipper
        self.position = Position()
        self.best: dict[str, Tensor] = {}
        self._state: State | None = None

    @property
    def state(self) -> State | None:
        """The state that the next step starts from; gradients end at it."""
        return self._state

    @state.setter
    def state(self, state: State | None) -> None:
        self._state = None if state is None else tuple(s.detach() for s in state)

    @property
    def patience_is_over(self) -> bool:
        """Whether too many validations went by without a better one."""
        return 0 < self.settings.patience <= self.position.validations_since_best

    def skipped(self, culprit: str) -> None:
        """Record that a step was left out; after too many in a row, give up (Diverged).

        culprit: the parameter whose gradient is not finite, or "loss".
        """
        self.state = None
        self.metrics.append({"step": self.position.step, "skipped": culprit})
        self.progress.note(
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

    def log(self, loss: float, clipping: Clipping) -> None:
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
        self._write(record)
        self.progress.step(record)

    def seen(self, values: dict[str, float], step: int) -> None:
        """A line of what `Watch` measured in a step, by layer and measure."""
        found = {name: _finite(value) for name, value in values.items()}
        self._write({"step": step + 1, "health": found})

    @torch.no_grad()
    def validate(self) -> None:
        """Score the validation part, and keep the weights if they are the best so far."""
        with self.watch("validation"):
            self.model.eval()
            scores = self.task.validate()
        position, loss = self.position, scores["validation_loss"]
        bar = math.inf if position.best_loss is None else position.best_loss
        best = not self.best or loss < bar
        if best:
            position.best_loss, position.best_step = _finite(loss), position.step
            position.validations_since_best = 0
            self.best = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        else:
            position.validations_since_best += 1
        record = {"step": position.step} | {name: _finite(s) for name, s in scores.items()}
        self._write(record)
        self.progress.validated(record, best)

    def _write(self, record: Mapping[str, Any]) -> None:
        """A line of metrics, and its numbers to the tracker if there is one."""
        self.metrics.append(record)
        if self.track is not None:
            flat = {name: value for name, value in record.items() if name not in ("step", "health")}
            health = record.get("health", {})
            flat |= {f"health/{k}".replace(" ", "_"): value for k, value in health.items()}
            known = {name: value for name, value in flat.items() if value is not None}
            self.track(known, step=record["step"])

    def save(self) -> None:
        """Write the checkpoint; after a gradient that was not finite, the last good one stays."""
        if self.clipper.nonfinite_in_a_row:
            return
        with self.watch("checkpoint"):
            self.position.clipper = self.clipper.state_dict()
            self.position.metrics_bytes = self.metrics.synced_size()
            self.position.seconds = self.watch.total
            tensors = {f"model/{k}": v for k, v in self.model.state_dict().items()}
            tensors |= {f"best/{k}": v for k, v in self.best.items()}
            tensors |= {f"state/{i}": s for i, s in enumerate(self.state or ())}
            for i, slots in self.optimizer.state_dict()["state"].items():
                tensors |= {f"optimizer/{i}/{k}": v for k, v in slots.items() if v is not None}
            write_tensors(self.run, CHECKPOINT, tensors, asdict(self.position))

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Everything where the run's checkpoint left it; without one, at the start."""
        if self.run.has(CHECKPOINT):
            tensors, about = read_tensors(self.run, CHECKPOINT)
            try:
                self._take(tensors, about)
            except (KeyError, RuntimeError, TypeError, ValueError) as error:
                raise InputError(
                    f"{self.run.path / CHECKPOINT}: does not fit the model and optimiser of this "
                    f"run ({error}); restore the file, or train again in another directory"
                ) from error
        self.watch = Stopwatch(self.position.seconds)
        path = self.run.path / METRICS
        with MetricsFile(path, self.position.metrics_bytes) as self.metrics:
            yield

    def _take(self, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
        self.position = Position(**about)
        self.clipper.load_state_dict(self.position.clipper)
        self.model.load_state_dict(_under("model/", tensors))
        self.best = _under("best/", tensors)
        state = _under("state/", tensors)
        device = next(self.model.parameters()).device
        self.state = tuple(state[str(i)].to(device) for i in range(len(state))) or None
        slots: dict[int, dict[str, Tensor]] = {}
        for name, value in _under("optimizer/", tensors).items():
            i, slot = name.split("/")
            slots.setdefault(int(i), {})[slot] = value
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": slots})


def rate(settings: TrainSettings, step: int) -> float:
    """The learning rate of a step.

    cosine: a linear rise over the warm-up, then half a cosine down to 0 (Loshchilov and Hutter
    2016, arXiv:1608.03983). onecycle: half a cosine up from 1/25 of the rate over the warm-up, then
    half a cosine down to 1/250,000 of it (Smith and Topin 2017, arXiv:1708.07120).
    """
    top, warm = settings.learning_rate, settings.warmup * settings.steps
    if settings.schedule == "constant":
        return top
    one_cycle = settings.schedule == "onecycle"
    if step < warm:
        rising = (step + 1) / (warm + 1)
        return _between(top / 25, top, rising) if one_cycle else top * rising
    falling = (step - warm) / max(1.0, settings.steps - 1 - warm)
    return _between(top, top / 250_000 if one_cycle else 0.0, falling)


def _between(start: float, end: float, share: float) -> float:
    """Half a cosine from `start` (share 0) to `end` (share 1)."""
    return end + (start - end) * (1 + math.cos(math.pi * min(share, 1.0))) / 2


def seed_of(seed: int, step: int) -> int:
    """The seed of all that is drawn in a step; distinct for each seed and step."""
    return (seed << 32) + step


def make_optimizer(model: nn.Module, settings: TrainSettings) -> torch.optim.Optimizer:
    """The optimiser of the settings over the model's trainable parameters."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    lr, decay, momentum = settings.learning_rate, settings.weight_decay, settings.momentum
    betas = (momentum, settings.beta2)
    match settings.optimizer:
        case "adamw":
            return torch.optim.AdamW(parameters, lr, betas=betas, weight_decay=decay)
        case "adam":
            return torch.optim.Adam(parameters, lr, betas=betas, weight_decay=decay)
        case "rmsprop":
            return torch.optim.RMSprop(parameters, lr, momentum=momentum, weight_decay=decay)
        case "sgd":
            return torch.optim.SGD(parameters, lr, momentum=momentum, weight_decay=decay)


def _finite(x: float) -> float | None:
    """JSON has no word for NaN or infinity."""
    return x if math.isfinite(x) else None


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
