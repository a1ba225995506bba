"""The one training loop. Read `train` from top to bottom; what is learned, the lesson says.

Several processes go through it step by step together: each has a share of every batch, and all
that they decide by is summed, or told by the first.

All that is random in a step is a function of the seed and the step, and nothing is carried in a
generator, so a run that was killed goes on from its checkpoint to the same numbers.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor, nn

from gruta.errors import InputError
from gruta.health.watching import Watch
from gruta.locale import translate as _
from gruta.precision import computing_in
from gruta.runs import Run
from gruta.runs.lock import training_alone
from gruta.settings import TrainSettings
from gruta.stopping import StopSignal
from gruta.stopwatch import Stopwatch
from gruta.surroundings import learning
from gruta.train.batches import batches
from gruta.train.lesson import Batch, Lesson
from gruta.train.progress import Interrupted, Progress
from gruta.train.ranks import Ranks, current
from gruta.train.seeds import draws
from gruta.train.shares import Division, Sum
from gruta.train.training import Training, begun


@learning()
def train(
    lesson: Lesson, settings: TrainSettings, run: Run, progress: Progress | None = None
) -> Stopwatch:
    """Train `lesson.model` in `run`, from its checkpoint if there is one; the best weights stay.

    They end in the model and in the run's model.safetensors. The answer tells where the time went.
    Raises Interrupted after Ctrl-C or SIGTERM, Diverged after ten non-finite gradients in a row,
    InputError where another process trains in the same run. Inside `together` it is one training of
    several processes, of which the first alone reads and writes the run; RankLost where one ends.
    It learns whatever gradient mode or autocast the caller is in, and leaves these, torch's
    generators, and accelerate's state as they were; in threads each training comes to the numbers
    that it has alone.
    """
    ranks = current()
    division = Division.of(settings, lesson, ranks)
    device = _device(settings, ranks)
    model = _trainable(lesson.model).to(device)

    with (
        training_alone(run) if ranks.first else nullcontext(),
        StopSignal() as stop,
        begun(lesson, settings, run, progress or Progress(), division) as training,
    ):
        watch, position = training.watch, training.position
        with (
            computing_in(settings.precision, model, device),
            _watching(training) as watching,
            batches(lesson, settings) as batch_of,
        ):
            if position.step == 0 and ranks.first:
                with draws(lesson, settings.seed, settings.steps, device):
                    training.prepare()
            training.align()
            often = min(settings.validate_every, getattr(lesson, "validate_every", settings.steps))
            while not training.is_over:
                with draws(lesson, settings.seed, position.step, device):
                    with watch("batch"):
                        batch = batch_of(position.step)
                    loss, stopping = _gradients(training, batch, device, stop)
                    with watch("optimizer"):
                        clipping = training.clipper.clip(model.named_parameters(), loss)
                        training.learn(clipping)
                    if watching is not None:
                        watching.measure()
                    with watch("log"):
                        training.stepped(loss, clipping)
                    if training.is_due(often):
                        training.validate()
                if training.is_due(settings.checkpoint_every) or stopping():
                    training.save()
                if stopping():
                    raise Interrupted(
                        _("stopped after step {step} of {steps}").format(
                            step=position.step, steps=settings.steps
                        )
                    )
        training.finish()
    return watch


@contextmanager
def _watching(training: Training) -> Iterator[Watch | None]:
    """What looks at the layers meanwhile, if the settings ask for it."""
    every = training.settings.watch_every
    if not every:
        yield None
        return
    with Watch(training.model, every, training.seen) as watching:
        watching.step = training.position.step
        yield watching


def _gradients(
    training: Training, batch: Batch, device: torch.device, stop: StopSignal
) -> tuple[Tensor, Callable[[], bool]]:
    """The gradients of the batch, at the parameters; its loss, and whether to stop after it.

    Several processes stop together, as one of them was asked to before they summed.
    """
    lesson, division, watch = training.lesson, training.division, training.watch
    total = Sum(lesson.model, division.ranks)
    loss = torch.tensor(0.0)
    for i, (number, share) in enumerate(division.shares(lesson, batch)):
        if not share.weight:
            total.add(None, stop.requested)
            continue
        seed, step = training.settings.seed, training.position.step
        with draws(lesson, seed, step, device, number) if number else nullcontext():
            with watch("forward"):
                lesson.model.train()
                own = {k: v.to(device) for k, v in share.batch.items()}
                loss, state = lesson.loss(own, training.states[i])
                training.carry(i, state)
                loss = loss * share.weight
            with watch("backward"):
                loss.backward()  # type: ignore[no-untyped-call]
        if not division.is_whole:
            total.add(loss, stop.requested)
    if division.is_whole:
        return loss, lambda: stop.requested
    with watch("exchange"):
        loss, stopping = total.total()
    return loss, lambda: stopping


def _device(settings: TrainSettings, ranks: Ranks) -> torch.device:
    if settings.device == "auto":
        backends = {"cuda": torch.cuda, "mps": torch.backends.mps, "xpu": torch.xpu}
        for kind, backend in backends.items():
            if backend.is_available():
                several = kind != "mps" and ranks.size > 1
                device = torch.get_device_module(kind) if several else None
                return (
                    torch.device(kind, ranks.local % device.device_count())
                    if device
                    else (torch.device(kind))
                )
    return torch.device("cpu")


def _trainable(model: nn.Module) -> nn.Module:
    """The model; InputError if autograd can never follow its parameters."""
    for name, parameter in model.named_parameters():
        if parameter.is_inference():
            problem = _(
                "model: its parameter {name} was made under torch.inference_mode(), and cannot "
                "learn; build the model outside of it"
            )
            raise InputError(problem.format(name=name))
    return model
