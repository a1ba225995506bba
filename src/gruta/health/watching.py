"""`watch`: in anyone's training loop, a look at one sequence every so many steps."""

import warnings
from collections import deque
from typing import Any, Self

import torch.distributed as dist
from torch import nn

from gruta.errors import InputError
from gruta.health.hooks import hang
from gruta.health.passes import passes
from gruta.health.sight import Sight, recurrent_layers
from gruta.health.steps import Steps
from gruta.health.summary import summary
from gruta.health.updates import update_ratios
from gruta.locale import translate as _
from gruta.nn.stack import Recurrent
from gruta.nn.twin import copy_weights, twin

Record = dict[str, Any]
KEPT = 10_000


class UnseenStep(UserWarning):
    """A step could not be measured; training goes on."""


def watch(model: nn.Module, *, every: int = 50, tracker: Any = None) -> "Watch":
    """Measure one sequence of the training batch every `every` steps, from the first on.

    A step is a call of `model` in training mode with gradients on. In a model whose loss is a
    method that calls the layers itself (a LightningModule's training_step, a policy's) it begins
    with the first such call of a layer after a backward pass. What is found (see `summary`, and the
    update ratio of each gate's weights) is in the answer's `records`, and goes to `tracker` if
    there is one: an accelerate Accelerator or tracker, a torch SummaryWriter, or a function (values
    by name, step). The layers are seen as in evaluation, without dropout, with the gradient that
    the loss sent to their results. InputError for a model without RNN, LSTM or GRU layers of
    gruta.nn or torch.nn, and for one that is frozen. With several processes, the first one
    measures. A copy of the model, and what is saved or pickled of it, is not watched.

    Where nothing is seen a warning says so (UnseenStep): once a thousand steps of the model's
    optimiser have gone by, or at the end. Under torch.compile nothing is.

    >>> watching = gruta.watch(model)
    >>> ...  # train
    >>> watching.records[-1]
    """
    return Watch(model, every, tracker)


class Watch:
    """What `watch` returns; `close()`, or the end of a with block, takes it off the model."""

    def __init__(self, model: nn.Module, every: int, tracker: Any) -> None:
        if every < 1:
            raise InputError(_("every: expected at least 1 step, got {every}").format(every=every))
        self.layers = recurrent_layers(model)
        if not any(p.requires_grad for p in model.parameters()):
            problem = _(
                "model: it is frozen, no parameter requires a gradient; there is no training to "
                "watch. gruta.xray looks at a trained model"
            )
            raise InputError(problem)
        self.every = every
        self.step = 0
        self.records: deque[Record] = deque(maxlen=KEPT)
        self._log = _sender(tracker)
        self._sight: Sight | None = None
        self._twins: dict[str, Recurrent] = {}
        self._measured_step = 0
        self._told: set[str] = set()
        self._is_failing = False
        self._steps: Steps | None = Steps(model, self.layers, self._begin, self._missed)
        # The model's hook is what keeps the watch, if nobody else does.
        self._on_model = hang(model, self._before_call, before=True)

    def close(self) -> None:
        """Measure what is pending, and leave the model as it was."""
        self.measure()
        steps, self._steps = self._steps, None
        if steps is None:
            return
        steps.close()
        self._on_model.remove()
        if not steps.begun and not self.step:  # set by hand: a training resumed at its end
            self._missed()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._is_failing = error[0] is not None  # then that is what there is to tell
        self.close()

    def __reduce__(self) -> Any:
        # A model may keep its watch: a copy's has ended, and holds no tracker, records or weights.
        return _ended, (self.every, self.step)

    def _before_call(self, *given: Any) -> None:
        if self._steps is not None:
            self._steps.model_called()

    def _missed(self) -> None:
        self._tell(
            _(
                "no step was seen: a step is a call of the model, or of one of its recurrent "
                "layers, in training mode with gradients on; call model.train(), outside "
                "torch.no_grad(), and train without torch.compile while you watch"
            )
        )

    def _begin(self) -> None:
        self.measure()
        assert self._steps is not None
        if self.step % self.every == 0 and _is_first_process():
            self._sight = Sight(self.layers, self._steps.is_training).__enter__()
            self._measured_step = self.step
            for name, layer in self.layers.items():
                if name in self._twins:
                    copy_weights(layer, self._twins[name])
                else:
                    self._twins[name] = twin(layer)
        self.step += 1

    def measure(self) -> None:
        """Make a record of the step that was seen, if one was; else the next step's start does.

        To be called after the optimiser's step, for a record without delay.
        """
        sight, self._sight = self._sight, None
        if sight is None:
            return
        sight.__exit__()
        record: Record = {"step": self._measured_step}
        for name in self.layers:
            try:
                record |= self._of_layer(name, sight)
            except InputError as error:
                self._tell(str(error))
        if len(record) == 1:
            return
        self.records.append(record)
        if self._log is not None:
            flat = {
                f"{k}/{m}": v for k, own in record.items() if k != "step" for m, v in own.items()
            }
            self._log(flat, record["step"])

    def _of_layer(self, name: str, sight: Sight) -> Record:
        call, layer, seen_as = sight.calls.get(name), self.layers[name], self._twins[name]
        if call is None:
            why = _("its batch was empty") if name in sight.empty else _("it was not called")
            raise InputError(
                _("{name}: {why} in a step that was to be measured").format(name=name, why=why)
            )
        if not call.has_gradient:
            raise InputError(
                _("{name}: no gradient reached it; call backward before the next step").format(
                    name=name
                )
            )
        ends = call.from_its_end(seen_as.directions)
        found = {one.layer: summary(one) for one in passes(seen_as, ends)}
        before = dict(seen_as.named_parameters())
        after = {parameter: getattr(layer, parameter).detach().cpu() for parameter in before}
        ratios = update_ratios(seen_as.cell.letters, before, after)
        if any(ratios.values()):
            for one in found:
                suffix = one.split()[-1]
                own = {k: v for k, v in ratios.items() if k.split()[0].endswith(f"_{suffix}")}
                found[one] |= {f"update_ratio {k}": v for k, v in own.items()}
        return found

    def _tell(self, message: str) -> None:
        if message not in self._told and not self._is_failing:
            self._told.add(message)
            warnings.warn(message, UnseenStep, stacklevel=4)


def _ended(every: int, step: int) -> Watch:
    """A watch that is over."""
    made = Watch.__new__(Watch)
    made.layers, made.records = {}, deque(maxlen=KEPT)
    made.every, made.step = every, step
    made._steps = made._sight = None
    return made


def _sender(tracker: Any) -> Any:
    """How values get to a tracker: a function of values by name and the step, or None."""
    if tracker is None:
        return None
    if hasattr(tracker, "add_scalar"):

        def by_scalar(values: dict[str, float], step: int) -> None:
            for name, value in values.items():
                tracker.add_scalar(_tag(name), value, step)

        return by_scalar
    if hasattr(tracker, "log"):
        return lambda values, step: tracker.log(
            {_tag(name): value for name, value in values.items()}, step=step
        )
    if callable(tracker):
        return tracker
    problem = _(
        "tracker: expected an accelerate Accelerator or tracker, a SummaryWriter, or a function of "
        "values and step, got {kind}"
    )
    raise InputError(problem.format(kind=type(tracker).__name__))


def _tag(name: str) -> str:
    """A name as every tracker takes it, without blanks."""
    return f"gruta/{name}".replace(" ", "_")


def _is_first_process() -> bool:
    started = dist.is_available() and dist.is_initialized()
    return not started or dist.get_rank() == 0
