"""A layer before torch's tools that take models apart: torch.fx, torch.jit.script, quantisation.

For the first it is a leaf; the second takes torch.nn's; the third is told that it does not.
"""

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
    lacking = _lacking(layer)
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


class Unquantised:
    """A module's attribute `qconfig`, by which torch.ao.quantization says what it would quantise.

    It knows torch.nn's layers alone and would pass these over in silence.
    """

    def __get__(self, layer: Any, owner: type | None = None) -> Any:
        if layer is None or "qconfig" not in vars(layer):
            raise AttributeError("qconfig")
        return vars(layer)["qconfig"]

    def __set__(self, layer: "Recurrent", qconfig: object) -> None:
        vars(layer)["qconfig"] = None
        if qconfig is not None:
            name, lacking = kind_of(layer).__name__, _lacking(layer)
            remedy = (
                f"to quantise it, put a torch.nn.{name} with its state dict in its place first"
                if name != "RNN" and not lacking
                else f"torch quantises no {name}{' with ' * bool(lacking)}{', '.join(lacking)}"
            )
            warnings.warn(
                f"torch.ao.quantization: gruta.nn.{name} stays in {layer.weight_ih_l0.dtype}; "
                f"{remedy}",
                UserWarning,
                stacklevel=3,
            )

    def __delete__(self, layer: "Recurrent") -> None:
        vars(layer).pop("qconfig", None)


def kind_of(layer: "Recurrent") -> type[nn.RNNBase]:
    """The class of torch.nn that has this layer's name."""
    return {"GRU": nn.GRU, "LSTM": nn.LSTM}.get(layer.mode, nn.RNN)


def _lacking(layer: "Recurrent") -> list[str]:
    """The options of a layer that torch.nn's has not."""
    lacking = [option for option in _LACKING if getattr(layer, option)]
    return lacking if getattr(layer, "reset_after", True) else [*lacking, "reset_after=False"]


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
