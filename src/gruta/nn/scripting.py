"""A layer before torch.fx, for which it is a leaf, and torch.jit.script, which takes torch.nn's."""

import warnings
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from gruta.nn.stack import Recurrent

_LACKING = ("learn_h0", "recurrent_dropout", "zoneout", "layer_norm", "residual")


def as_leaf(layer: "Recurrent", proxy: torch.fx.Proxy, *rest: Any, **given: Any) -> Any:
    """The node that stands for a call of `layer` in the graph of torch.fx's symbolic trace.

    rest, given: the other arguments; those that are None are left out.
    """
    tracer: Any = proxy.tracer
    target = tracer.path_of_module(layer)
    if not target:
        raise torch.fx.proxy.TraceError(
            f"torch.fx: {type(layer).__name__} is a leaf of a graph and has none of its own; trace "
            "a model that holds it, such as torch.nn.Sequential(layer)"
        )
    while rest and rest[-1] is None:
        rest = rest[:-1]
    named = {name: value for name, value in given.items() if value is not None}
    return tracer.create_proxy("call_module", target, (proxy, *rest), named)


def for_script(layer: "Recurrent") -> nn.RNNBase:
    """The layer of torch.nn that computes what `layer` does, on the same parameters.

    RuntimeError where torch.nn lacks an option of it, with a warning where it does not.
    """
    name = kind_of(layer).__name__
    lacking = [option for option in _LACKING if getattr(layer, option)]
    if not getattr(layer, "reset_after", True):
        lacking.append("reset_after=False")
    names = {name for name, _ in layer._shapes()}
    if lacking or set(layer._parameters) != names:
        reason = f"its {', '.join(lacking)}" if lacking else "its parametrised weights"
        raise RuntimeError(
            f"torch.jit.script: expected a {name} that torch.nn could be, got one with {reason}; "
            "torch.jit.trace takes the model at any length and batch, and so does torch.export"
        )
    warnings.warn(
        f"torch.jit.script puts a torch.nn.{name} on the same parameters in the place of "
        f"gruta.nn.{name}, in the model that it is given too: script copy.deepcopy(model) if you "
        "go on using that",
        UserWarning,
        stacklevel=2,
    )
    return torch_twin(layer)


def kind_of(layer: "Recurrent") -> type[nn.RNNBase]:
    """The class of torch.nn that has this layer's name."""
    return {"GRU": nn.GRU, "LSTM": nn.LSTM}.get(layer.mode, nn.RNN)


def torch_twin(layer: "Recurrent") -> nn.RNNBase:
    """torch.nn's layer of the same kind on the same parameters and hooks."""
    kind: Any = kind_of(layer)
    more: dict[str, Any] = {"proj_size": layer.proj_size} if layer.proj_size else {}
    if kind is nn.RNN:
        more["nonlinearity"] = layer.nonlinearity
    made: nn.RNNBase = kind(
        layer.input_size,
        layer.hidden_size,
        layer.num_layers,
        bias=layer.bias,
        batch_first=layer.batch_first,
        bidirectional=layer.bidirectional,
        device="meta",
        **more,
    )
    for name, parameter in layer._parameters.items():
        setattr(made, name, parameter)
    made.dropout = float(layer.dropout)
    made._forward_hooks = layer._forward_hooks
    made._forward_pre_hooks = layer._forward_pre_hooks
    return made.train(layer.training)
