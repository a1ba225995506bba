"""Layers and cells before torch's tools that take models apart: torch.fx, torch.jit.script,
quantisation.

For the first it is a leaf; the second takes torch.nn's; the third is told that it does not.
"""

import warnings
from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import nn

from gruta.locale import translate as _
from gruta.nn.options import Effect, chosen, is_ours

Layer = Any  # one of gruta.nn's layers or cells

CELL_WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
"""The parameters of a cell of torch.nn."""


def as_leaf(layer: Layer, proxy: torch.fx.Proxy, *rest: Any, **given: Any) -> Any:
    """The node that stands for a call of `layer` in the graph of torch.fx's symbolic trace.

    rest, given: the other arguments; those that are None are left out.
    """
    tracer: Any = proxy.tracer
    target = tracer.path_of_module(layer)
    if not target:
        problem = _(
            "torch.fx: {kind} is a leaf of a graph and has none of its own; trace a model that "
            "holds it, such as torch.nn.Sequential(layer)"
        )
        raise torch.fx.proxy.TraceError(problem.format(kind=type(layer).__name__))
    while rest and rest[-1] is None:
        rest = rest[:-1]
    named = {name: value for name, value in given.items() if value is not None}
    return tracer.create_proxy("call_module", target, (proxy, *rest), named)


def for_script(layer: Layer) -> nn.Module:
    """The layer or cell of torch.nn that computes what `layer` does, on the same parameters.

    RuntimeError where torch.nn lacks an option of it, with a warning where it does not.
    """
    name = kind_of(layer).__name__
    missing = lacking(layer)
    if missing or set(layer._parameters) != set(_names(layer)):
        reason = (
            _("its {options}").format(options=", ".join(missing))
            if missing
            else _("its parametrised weights")
        )
        problem = _(
            "torch.jit.script: expected a {name} that torch.nn could be, got one with {reason}; "
            "torch.jit.trace takes the model at any length and batch, and so does torch.export"
        )
        raise RuntimeError(problem.format(name=name, reason=reason))
    warnings.warn(
        _(
            "torch.jit.script has put a torch.nn.{name} on the same parameters in the place of "
            "gruta.nn.{name}, in the model that it was given too; a copy, copy.deepcopy(model), "
            "can be scripted in its stead"
        ).format(name=name),
        UserWarning,
        stacklevel=2,
    )
    return torch_twin(layer)


class Unquantised:
    """A module's attribute `qconfig`, by which torch.ao.quantization says what it would quantise.

    It knows torch.nn's layers alone and would pass these over in silence.
    """

    def __get__(self, layer: Any, owner: type | None = None) -> Any:
        if layer is None or "qconfig" not in vars(layer):
            raise AttributeError("qconfig")
        return vars(layer)["qconfig"]

    def __set__(self, layer: Layer, qconfig: object) -> None:
        layer.__dict__["qconfig"] = None
        if qconfig is not None:
            name, missing = kind_of(layer).__name__, lacking(layer)
            if missing:
                remedy = _("torch quantises no {name} with {options}")
            elif name == "RNN":
                remedy = _("torch quantises no {name}")
            else:
                remedy = _(
                    "to quantise it, put a torch.nn.{name} with its state dict in its place first"
                )
            dtype = next(layer.parameters()).dtype
            warnings.warn(
                _("torch.ao.quantization: gruta.nn.{name} stays in {dtype}; {remedy}").format(
                    name=name,
                    dtype=dtype,
                    remedy=remedy.format(name=name, options=", ".join(missing)),
                ),
                UserWarning,
                stacklevel=3,
            )

    def __delete__(self, layer: Layer) -> None:
        layer.__dict__.pop("qconfig", None)


def kind_of(layer: Layer) -> type[nn.Module]:
    """The class of torch.nn that has this layer's or cell's name."""
    if isinstance(layer, nn.RNNCellBase):
        cells = nn.GRUCell, nn.LSTMCell, nn.RNNCell
        return next(kind for kind in cells if isinstance(layer, kind))
    return {"GRU": nn.GRU, "LSTM": nn.LSTM}.get(layer.mode, nn.RNN)


def _names(layer: Layer) -> Sequence[str]:
    """Of the parameters that a layer or cell has where none is parametrised."""
    if isinstance(layer, nn.RNNCellBase):
        return CELL_WEIGHTS
    return [name for name, _ in layer.shapes()]


def lacking(layer: Layer) -> list[str]:
    """The options of a layer that torch.nn's has not."""
    options = chosen(layer, Effect.ALWAYS, Effect.IN_TRAINING)
    ours = {name: value for name, value in options.items() if is_ours(name)}
    return [name if value else f"{name}={value}" for name, value in ours.items()]


def torch_twin(layer: Layer) -> nn.Module:
    """torch.nn's layer or cell of the same kind on the same parameters and hooks."""
    given = {name: value for name, value in chosen(layer).items() if not is_ours(name)}
    dropout = float(given.pop("dropout", 0.0))  # of which torch's constructor may warn
    kind: Any = kind_of(layer)
    made: Any = kind(device="meta", **given)
    for name, parameter in layer._parameters.items():
        setattr(made, name, parameter)
    if dropout:
        made.dropout = dropout
    made._forward_hooks = layer._forward_hooks
    made._forward_pre_hooks = layer._forward_pre_hooks
    made.train(layer.training)
    return cast(nn.Module, made)
