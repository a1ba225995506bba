"""One run of a model in evaluation, with gradients whatever is around it, and what was seen."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.rnn import PackedSequence

from gruta.errors import InputError
from gruta.health.hooks import hang
from gruta.health.passes import Call
from gruta.health.sight import Layer, Sight, is_empty
from gruta.insight.readout import Linears
from gruta.locale import translate as _

Loss = Callable[[Any], Tensor]

_LOST = 1e-30
"""A gradient at the answer that is no larger is rounded to nothing on its way to a layer."""


@dataclass(frozen=True)
class Run:
    """The loss's value, and by layer the calls that were seen; what the linear layers read.

    asks: whether the loss has a gradient at the model's answer; it has none where that is certain.
    """

    loss: float
    asks: bool
    calls: dict[str, Call]
    linears: Linears


def run(
    model: nn.Module,
    layers: Mapping[str, Layer],
    inputs: tuple[Any, ...],
    keywords: dict[str, Any],
    loss: Loss | None,
) -> Run:
    """Run it once and send the loss's gradient back; without a loss, that of its last answer.

    InputError where no gradient can come back, or there is no sequence.
    """
    with (
        looked_at(model),
        _sequences_wanted(layers),
        _no_inference_tensors(),
        Sight(layers) as sight,
        Linears(model) as linears,
    ):
        result = model(*inputs, **keywords)
        value = _last(result, layers) if loss is None else loss(result)
        _check(value, _("the model's answer") if loss is None else _("it"))
        answers = [t for t in _tensors(result) if t.requires_grad]
        for answer in answers:
            answer.retain_grad()
        value.backward()  # type: ignore[no-untyped-call]
    if not sight.calls:
        problem = _(
            "model: none of its recurrent layers was called; one is seen where it is called "
            "itself, layer(x)"
        )
        raise InputError(problem)
    asks = not answers or any(_arrives(t.grad) for t in answers)
    return Run(float(value.detach()), asks, sight.calls, linears)


@contextmanager
def looked_at(model: nn.Module) -> Iterator[None]:
    """In evaluation, with gradients on even where the model is frozen; all as before at the end.

    Without cuDNN, whose recurrent layers have no gradient in evaluation.
    """
    if any(not is_lazy(p) and p.is_inference() for p in model.parameters()):
        problem = _(
            "model: its weights were made under torch.inference_mode() and take no gradient; look "
            "at copy.deepcopy(model), made outside of it"
        )
        raise InputError(problem)
    training = {module: module.training for module in model.modules()}
    wanted = [(p, p.requires_grad, p.grad) for p in model.parameters()]
    try:
        model.eval().requires_grad_(True)
        for p, *_before in wanted:
            p.grad = None
        with torch.enable_grad(), torch.backends.cudnn.flags(enabled=False), _eagerly():
            yield
    finally:
        for module, was in training.items():
            module.training = was
        for p, required, grad in wanted:
            p.grad = grad
            p.requires_grad_(required)


def usable(given: Any) -> Any:
    """Inputs, in tuples, lists and dicts too, with copies for tensors of inference mode, which
    autograd does not take.
    """
    if isinstance(given, Tensor):
        return given.clone() if given.is_inference() else given
    if isinstance(given, PackedSequence):
        return given._replace(data=usable(given.data))
    if type(given) in (tuple, list):
        return type(given)(map(usable, given))
    if type(given) is dict:
        return {name: usable(value) for name, value in given.items()}
    return given


def _eagerly() -> Any:
    """Run what torch.compile has as it was written: hooks see nothing of what is compiled."""
    if "torch._dynamo" not in sys.modules:  # nothing is, and to ask would load it
        return nullcontext()
    stance: Any = getattr(torch.compiler, "set_stance", None)  # since torch 2.6
    return nullcontext() if stance is None else stance("force_eager")


@contextmanager
def _no_inference_tensors() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        if not str(error).startswith("Inference tensors cannot be saved for backward"):
            raise
        problem = _(
            "model or loss: it reads a tensor that was made under torch.inference_mode(), through "
            "which no gradient passes; make it outside, or clone() it there"
        )
        raise InputError(problem) from error


@contextmanager
def _sequences_wanted(layers: Mapping[str, Layer]) -> Iterator[None]:
    """Refuse an empty batch before a layer or the model trips over it."""

    def check(name: str, layer: Layer, args: Any, kwargs: Any) -> None:
        given = args[0] if args else kwargs["input"]
        if isinstance(given, Tensor) and given.is_nested:
            problem = _(
                "{name}: expected a tensor or a PackedSequence, got a nested tensor; pad it "
                "(torch.nested.to_padded_tensor), and give its lengths"
            )
            raise InputError(problem.format(name=name))
        if is_empty(given):
            shape = list(given.shape) if isinstance(given, Tensor) else _("a PackedSequence")
            problem = _(
                "{name}: expected one sequence at least, and steps in it, got none ({shape}); "
                "leave empty batches out"
            )
            raise InputError(problem.format(name=name, shape=shape))

    hanging = [hang(layer, partial(check, name), before=True) for name, layer in layers.items()]
    try:
        yield
    finally:
        for one in hanging:
            one.remove()


def _check(value: Any, what: str) -> None:
    if not isinstance(value, Tensor) or value.numel() != 1 or value.is_complex():
        got = type(value).__name__
        if isinstance(value, Tensor):
            shape = _("shape {shape}").format(shape=list(value.shape))
            got = _("a complex one") if value.numel() == 1 else shape
        problem = _("loss: expected a tensor with a single number, got {got}; take its mean")
        raise InputError(problem.format(got=got))
    if not value.requires_grad:
        problem = _(
            "loss: {what} does not depend on the model by gradients; do not detach it, and run no "
            "part of the model under torch.no_grad()"
        )
        raise InputError(problem.format(what=what))


def _arrives(gradient: Tensor | None) -> bool:
    return gradient is not None and bool((gradient.abs() > _LOST).any())


def _tensors(result: Any) -> Iterator[Tensor]:
    """Those in a model's answer."""
    if isinstance(result, Tensor):
        yield result
    elif isinstance(result, tuple | list):
        for part in result:
            yield from _tensors(part)
    elif isinstance(result, Mapping):
        yield from _tensors(list(result.values()))


def _last(result: Any, layers: Mapping[str, Layer]) -> Tensor:
    """A random mixture of the model's last answer to the first sequence."""
    while isinstance(result, tuple | list) and result:
        result = result[0]
    if not isinstance(result, Tensor) or not result.is_floating_point() or not result.numel():
        kind = type(result).__name__
        if isinstance(result, Tensor):
            kind = _("a tensor of {dtype}, shape {shape}").format(
                dtype=result.dtype, shape=list(result.shape)
            )
        problem = _(
            "loss: the model answers with {kind}; give loss=, a function from that to a number"
        )
        raise InputError(problem.format(kind=kind))
    first = result
    if result.dim() == 3:  # a sequence of answers
        batch_first = next(iter(layers.values())).batch_first
        first = result[0, -1] if batch_first else result[-1, 0]
    elif result.dim() > 0:
        first = result[0]
    signs = np.sign(np.random.default_rng(0).normal(size=tuple(first.shape)))
    return (first * torch.as_tensor(signs, dtype=first.dtype, device=first.device)).sum()
