"""`xray`: one sequence through a model, and everything that can be said of it."""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gruta.errors import InputError
from gruta.health import flow, gates, memory
from gruta.health.passes import Call, Pass, passes
from gruta.health.sight import recurrent_layers
from gruta.health.summary import summary
from gruta.insight.by_hand import ByHand
from gruta.insight.readout import readouts
from gruta.insight.run import looked_at, run, usable
from gruta.insight.views import Labels, LayerView, Views
from gruta.locale import translate as _
from gruta.nn.stack import Recurrent
from gruta.nn.twin import twin

LARGEST_STATE = 512
"""Jacobians are H × H a step: beyond so many numbers in a state they are left out."""


class XRay(Views):
    """One sequence seen in a model: what is found of it, and the ways to look at that."""

    # The drawers load rich or matplotlib, which who asks for numbers alone should not wait for.
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


def xray(
    model: nn.Module,
    *inputs: Any,
    loss: Callable[[Any], Tensor] | None = None,
    labels: Labels | Mapping[str, Labels] | None = None,
    columns: Mapping[str, Sequence[str]] | None = None,
    **keywords: Any,
) -> XRay:
    """Run `model(*inputs, **keywords)` in evaluation and look at its first sequence.

    loss: from the model's result to a number, whose gradient is followed back through time; without
    it a random mixture of what the model says last. labels: a word or a stamp (datetime64) for each
    step, of the layers that read as many, or by the layer's name. columns: what the numbers are
    called that a layer reads at a step, by its name. The model, its mode and its gradients stay as
    they were; torch.no_grad() and torch.inference_mode() around the call change nothing. A layer
    that was called for a single step is left out beside others.
    InputError for a model without recurrent layers, an empty batch, a loss that is no single number
    or has no gradient, a sequence of one step, NaN in weights, data or loss, and labels or columns
    that fit no layer.
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
            problem = _(
                "loss: it is {loss}, and so its gradient tells nothing; look at what it computes "
                "of the model's answer"
            )
            raise InputError(problem.format(loss=seen.loss))
        told = _labels(labels, {v.one.stack: v.steps for v in views}, layers)
        named = _columns(columns or {}, {v.one.stack: v.one for v in views[::-1]}, layers)
        longest = max(v.steps for v in views)
        read = readouts(seen.linears, seen.calls)
        contexts = {}
        if loss is not None:
            contexts = _contexts(model, lambda: loss(model(*inputs, **keywords)), longest)
    return XRay(
        tuple(views),
        influences,
        read,
        seen.loss,
        told,
        named,
        contexts=contexts,
        asks=seen.asks,
    )


def _labels(
    labels: Labels | Mapping[str, Labels] | None, steps: Mapping[str, int], layers: Collection[str]
) -> dict[str, Labels]:
    """Labels by layer. steps: of the layers that are looked at; layers: all that the model has."""
    if labels is None:
        return {}
    if not isinstance(labels, Mapping):
        return {name: _label(labels) for name, count in steps.items() if count == len(labels)}
    _require("labels", labels, layers)
    for name, own in labels.items():
        if len(own) != steps.get(name, len(own)):
            problem = _("labels: expected {steps} for {name}, one for each step, got {count}")
            raise InputError(problem.format(steps=steps[name], name=name, count=len(own)))
    return {name: _label(own) for name, own in labels.items() if name in steps}


def _columns(
    columns: Mapping[str, Sequence[str]], first: Mapping[str, Pass], layers: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """Columns by layer. first: the pass of each layer that reads them."""
    _require("columns", columns, layers)
    for name, one in first.items():
        width = one.x.shape[1]
        if len(columns.get(name, range(width))) != width:
            problem = _(
                "columns: expected {width} for {name}, one for each number that it reads at a "
                "step, got {count}"
            )
            raise InputError(problem.format(width=width, name=name, count=len(columns[name])))
    return {name: tuple(own) for name, own in columns.items() if name in first}


def _require(what: str, names: Iterable[str], layers: Collection[str]) -> None:
    for name in names:
        if name not in layers:
            raise InputError(
                _("{what}: expected names among {names}, got {name!r}").format(
                    what=what, names=", ".join(layers), name=name
                )
            )


def _label(labels: Labels) -> Labels:
    """Stamps that rise as an array, anything else as words."""
    stamps = np.asarray(labels)
    if stamps.dtype.kind == "M" and (np.diff(stamps) > np.timedelta64(0)).all():
        return stamps.astype("M8[us]")
    return tuple(map(str, labels))


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
    whole = passes(double, call)
    ends = passes(double, call.from_its_end(double.directions)) if call.has_gradient else whole
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
