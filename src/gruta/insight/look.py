"""`xray`: one sequence through a model, and everything that can be said of it."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gruta.errors import InputError
from gruta.health import flow, gates, memory
from gruta.health.advice import Advice, advise
from gruta.health.passes import Call, Pass, passes
from gruta.health.sight import recurrent_layers
from gruta.health.summary import summary
from gruta.insight.by_hand import ByHand, Output, by_hand
from gruta.insight.readout import Readout, readouts
from gruta.insight.run import looked_at, run, usable
from gruta.nn.stack import Recurrent
from gruta.nn.twin import twin

Array = NDArray[Any]

LARGEST_STATE = 512
"""Jacobians are H × H a step: beyond so many numbers in a state they are left out."""


@dataclass(frozen=True, eq=False)
class LayerView:
    """What is found of one layer in one direction.

    end: the same pass with the gradient of the last step alone that the loss reads. fade: how that
    gradient fades; None where none reached the layer. product, exponents: of the states' Jacobians;
    None for states of more than 512 numbers.
    """

    one: Pass
    end: Pass
    numbers: dict[str, float]
    units: gates.Units
    fade: flow.Fade | None
    product: flow.Fade | None
    exponents: Array | None

    @property
    def name(self) -> str:
        """The layer's name in the model, and its pass: "encoder l0"."""
        return self.one.layer

    @property
    def time_constants(self) -> Array | None:
        """Of each unit's leak path, in steps."""
        return gates.time_constants(self.one)


@dataclass(frozen=True, eq=False)
class XRay:
    """One sequence seen in a model.

    influences, readouts: of each layer's stack, by the layer's name. loss: its value. labels: what
    stands at each step, if it is known (characters, stamps). training: what is known of how the
    model was trained (window, clipping, mode, updates), as `advise` takes it. tried_by: what tries
    a piece of advice ("": nothing does; None: it was followed already), where that is not Python on
    the layer. answer: what the network says, for people, if that is known. contexts: the loss
    if every layer remembered its last so many steps alone; empty where no loss was given, or it
    cannot be run so.
    """

    views: tuple[LayerView, ...]
    influences: dict[str, memory.Influence]
    readouts: dict[str, Readout]
    loss: float
    labels: tuple[str, ...] | None = None
    training: dict[str, Any] = field(default_factory=dict)
    tried_by: Callable[[Advice], str | None] | None = None
    answer: str = ""
    contexts: dict[int, float] = field(default_factory=dict)

    def by_hand(self, unit: int, at: int, layer: str | None = None) -> ByHand:
        """Unit `unit` of a layer at step `at`, every product and sum; see `by_hand.by_hand`.

        layer: the view's name; by default the last one. The linear output is there where a linear
        layer reads this one's states.
        """
        names = [view.name for view in self.views]
        if layer is not None and layer not in names:
            raise InputError(layer=f"expected one of {', '.join(names)}, got {layer!r}")
        k = len(names) - 1 if layer is None else names.index(layer)
        one = self.views[k].one
        return by_hand(one, unit, at, self._output(one, at))

    def _output(self, one: Pass, at: int) -> Output | None:
        """What reads a pass's states at a step, if it is of its stack's last layer."""
        readout, H = self.readouts.get(one.stack), one.h.shape[1]
        if readout is None or not one.is_last or not 0 <= at < len(one.h):
            return None
        if np.isnan(readout.y[at, 0]):
            return None
        V = readout.V[:, H:] if one.reverse else readout.V[:, :H]
        h = one.h[len(one.h) - 1 - at if one.reverse else at]
        return Output(V, readout.a, float(readout.y[at, 0] - readout.a[0] - V[0] @ h))

    def advice(self, lag: int | None = None) -> list[Advice]:
        """At most three pieces of advice. lag: over how many steps the network has to remember, if
        that is known; else the length of the sequence is taken for it.
        """
        ends = [view.end for view in self.views]
        found = advise(ends, lag=lag, influences=self.influences, **self.training)
        if self.tried_by is None:
            return found
        tried = [(one, self.tried_by(one)) for one in found]
        return [replace(one, code=code) for one, code in tried if code is not None]

    def through_depth(self) -> dict[str, flow.Fade]:
        """How the gradient fares from a stack's last layer down, by stack of several layers."""
        stacks: dict[str, list[Pass]] = {}
        for view in self.views:
            if view.one.through:
                stacks.setdefault(view.one.stack, []).append(view.one)
        found = {name: flow.gradient_through_depth(own) for name, own in stacks.items()}
        return {name: fade for name, fade in found.items() if len(fade.norms) > 1}

    def show(self, lag: int | None = None) -> None:
        """Print it on the terminal: heat maps, the gradient through time, memory, advice."""
        from gruta.insight.terminal import show

        show(self, lag)

    def plot(self) -> dict[str, Any]:
        """matplotlib figures by name."""
        from gruta.insight.figures import figures

        return {figure.name: figure.figure for figure in figures(self)}

    def save(self, path: str | Path, by_hand: ByHand | None = None) -> None:
        """Write one self-contained HTML file, with a unit's step by hand if one is given."""
        from gruta.insight.page import save

        save(self, path, by_hand=by_hand)

    def to_json(self, lag: int | None = None) -> dict[str, Any]:
        """The numbers and the advice, for a program."""
        return {
            "loss": self.loss,
            "answer": self.answer,
            "layers": {v.name: _numbers(v) for v in self.views},
            "gradient_by_depth": {k: f.norms.tolist() for k, f in self.through_depth().items()},
            "loss_by_context": {str(steps): loss for steps, loss in self.contexts.items()},
            "memory_horizon": {name: found.horizon for name, found in self.influences.items()},
            "advice": [found.to_json() for found in self.advice(lag)],
        }


def xray(
    model: nn.Module,
    *inputs: Any,
    loss: Callable[[Any], Tensor] | None = None,
    labels: Sequence[str] | None = None,
    **keywords: Any,
) -> XRay:
    """Run `model(*inputs, **keywords)` in evaluation and look at its first sequence.

    loss: from the model's result to a number, whose gradient is followed back through time; without
    it a random mixture of what the model says last. labels: a word for each step. The model, its
    mode and its gradients stay as they were; torch.no_grad() and torch.inference_mode() around the
    call change nothing. A layer that was called for a single step is left out beside others.
    InputError for a model without recurrent layers, an empty batch, a loss that is no single number
    or has no gradient, a sequence of one step, and NaN in weights, data or loss.
    """
    layers = recurrent_layers(model)
    with torch.inference_mode(False):
        inputs, keywords = usable(inputs), usable(keywords)
        seen = run(model, layers, inputs, keywords, loss)
        views: list[LayerView] = []
        influences = {}
        long = {name: call for name, call in seen.calls.items() if len(call.x) > 1}
        for name, call in (long or seen.calls).items():
            double = twin(layers[name])
            views += _views(double, call)
            influences[name] = memory.influence(double, call)
        if not math.isfinite(seen.loss):  # what is wrong in weights or data was told before
            raise InputError(
                f"loss: it is {seen.loss}, and so its gradient tells nothing; look at what it "
                "computes of the model's answer"
            )
        longest = max(len(v.one.h) for v in views)
        told = tuple(labels) if labels is not None and len(labels) == longest else None
        read = readouts(seen.linears, seen.calls)
        contexts = {}
        if loss is not None:
            contexts = _contexts(model, lambda: loss(model(*inputs, **keywords)), longest)
    return XRay(tuple(views), influences, read, seen.loss, told, contexts=contexts)


def _contexts(model: nn.Module, loss: Callable[[], Tensor], steps: int) -> dict[int, float]:
    """The loss by kept context: 1, 2, 4, … steps, and all."""
    kept = [*(2**k for k in range(steps.bit_length()) if 2**k < steps), steps]
    try:
        with looked_at(model):
            return dict(zip(kept, memory.loss_by_context(model, loss, kept), strict=True))
    except InputError:  # sequences of different lengths
        return {}


def _views(double: Recurrent, call: Call) -> Iterator[LayerView]:
    """Of every layer and direction of the twin of the layer that was called."""
    directions = 2 if double.bidirectional else 1
    whole = passes(double, call)
    ends = passes(double, call.from_its_end(directions)) if call.has_gradient else whole
    for one, end in zip(whole, ends, strict=True):
        small = one.state_size <= LARGEST_STATE
        yield LayerView(
            one,
            end,
            summary(end) | _bound(one),
            gates.units(one.h),
            flow.gradient_through_time(end) if end.through else None,
            flow.jacobian_product(one) if small else None,
            flow.lyapunov_exponents(one) if small else None,
        )


def _bound(one: Pass) -> dict[str, float]:
    """σ_max(W_hh) of a plain RNN, which bounds its gradient; with a layer norm it does not."""
    if not one.is_plain:
        return {}
    return {"spectral_norm": flow.spectral_norm(one.weights["w_hh"])}


def _numbers(view: LayerView) -> dict[str, Any]:
    found: dict[str, Any] = dict(view.numbers)
    if view.fade is not None:
        found["gradient_by_lag"] = view.fade.norms.tolist()
    if view.exponents is not None:
        found["lyapunov_exponents"] = [max(float(e), -1e3) for e in view.exponents]
    tau = view.time_constants
    if tau is not None:
        found["time_constants"] = np.minimum(tau, 1e12).tolist()
    found["dead_unit_indices"] = view.units.dead
    found["twin_units"] = view.units.twins
    return found
