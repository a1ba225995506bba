"""A model's recurrent layers made gruta's, and torch.nn's again, each in its place.

A layer stays the object that it is and changes its class: weights, hooks, parametrisations and
masks of pruning, places that share it, and an optimizer's hold of its parameters are untouched.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from torch import nn
from torch.nn.utils.parametrize import is_parametrized, type_before_parametrizations

from gruta.locale import translate as _
from gruta.nn.cells import GRUCell, LSTMCell, RNNCell
from gruta.nn.options import Options, chosen, is_ours
from gruta.nn.recurrent import GRU, LSTM, RNN
from gruta.nn.scripting import lacking
from gruta.nn.stack import Recurrent

_OURS: dict[type, Any] = {
    nn.GRU: GRU,
    nn.LSTM: LSTM,
    nn.RNN: RNN,
    nn.GRUCell: GRUCell,
    nn.LSTMCell: LSTMCell,
    nn.RNNCell: RNNCell,
}
_THEIRS: dict[type, Any] = {ours: theirs for theirs, ours in _OURS.items()}

_OF_TORCH = ("_flat_weights_names", "_all_weights", "_flat_weights", "_flat_weight_refs")
"""What a layer of torch.nn keeps beside its parameters, to hand them to its op."""


@dataclass(frozen=True)
class Conversion:
    """What `convert` or `revert` did.

    changed: the new class of each layer, by its name in the model. left: of each recurrent layer
    that stays as it was, why. Names are those of `model.named_modules()`, "" for the model itself.
    """

    changed: Mapping[str, str]
    left: Mapping[str, str]

    def __str__(self) -> str:
        lines = [f"{name or '.'}: {kind}" for name, kind in self.changed.items()]
        left = _("{name}: left as it is: {reason}")
        lines += [left.format(name=name or ".", reason=why) for name, why in self.left.items()]
        return "\n".join(lines) or _("the model has no recurrent layers")


def convert(model: nn.Module) -> Conversion:
    """Make every RNN, LSTM and GRU of torch.nn in `model`, and every cell, gruta's, in place.

    They compute what they did, on the same parameters; `revert` undoes it. Subclasses of torch.nn's
    layers, which may compute something else, and layers that were quantised or scripted are left.
    """
    return _each(model, _becomes_ours)


def revert(model: nn.Module) -> Conversion:
    """Make every layer and cell of gruta.nn in `model` torch.nn's again, in place.

    Left are those with options that torch.nn has not, and subclasses.
    """
    return _each(model, _becomes_theirs)


def _each(model: nn.Module, change: Callable[[Any], tuple[str, str]]) -> Conversion:
    changed, left = {}, {}
    for name, layer in list(model.named_modules()):
        kind, reason = change(layer)
        if kind:
            changed[name] = kind
        elif reason:
            left[name] = reason
    return Conversion(changed, left)


def _becomes_ours(layer: Any) -> tuple[str, str]:
    """The new class, or why there is none; neither for what is no layer of torch.nn's."""
    kind = type_before_parametrizations(layer)
    if kind not in _OURS:
        return "", _why_not(layer)
    _change_class(layer, kind, _OURS[kind])
    if isinstance(layer, Recurrent):
        dropout = layer.dropout
        for name in _OF_TORCH:
            layer.__dict__.pop(name, None)
        layer.become(Options(**chosen(layer) | {"dropout": 0.0}))
        layer.dropout = dropout  # of which options would warn again where there is one layer
    elif isinstance(layer, GRUCell):
        layer.reset_after = True
    return f"gruta.nn.{_OURS[kind].__name__}", ""


def _why_not(layer: Any) -> str:
    """Of what is a recurrent layer by its looks; "" for everything else."""
    if isinstance(layer, Recurrent | GRUCell | LSTMCell | RNNCell):
        return ""
    kind = type_before_parametrizations(layer)
    if isinstance(layer, nn.RNNBase | nn.RNNCellBase):
        return _of_its_own(kind)
    original = getattr(layer, "original_name", kind.__name__)  # as torch.jit.script keeps it
    if original in {one.__name__ for one in _OURS}:
        return _(
            "{kind} is no layer of torch.nn any more: quantised, scripted, or another's"
        ).format(kind=f"{kind.__module__}.{kind.__qualname__}")
    return ""


def _of_its_own(kind: type) -> str:
    return _("{kind} is a class of its own, which may compute something else").format(
        kind=f"{kind.__module__}.{kind.__qualname__}"
    )


def _becomes_theirs(layer: Any) -> tuple[str, str]:
    """As `_becomes_ours`, the other way."""
    if not isinstance(layer, Recurrent | GRUCell | LSTMCell | RNNCell):
        return "", ""
    kind = type_before_parametrizations(layer)
    if kind not in _THEIRS:
        return "", _of_its_own(kind)
    if options := lacking(layer):
        return "", _("torch.nn has no {options}").format(options=", ".join(options))
    if isinstance(layer, Recurrent):
        _as_torch_keeps(layer)
    else:
        layer.__dict__.pop("reset_after", None)
    _change_class(layer, kind, _THEIRS[kind])
    if isinstance(layer, nn.RNNBase):
        layer._init_flat_weights()
    return f"torch.nn.{_THEIRS[kind].__name__}", ""


def _as_torch_keeps(layer: Recurrent) -> None:
    """Put what torch.nn's layer keeps in the place of what only ours does."""
    names = [name for name, _shape in layer.shapes()]
    count = len(names) // (layer.num_layers * layer.directions)
    own = vars(layer)
    for name in [*(f.name for f in fields(Options) if is_ours(f.name)), "_names", "_weight_shapes"]:
        own.pop(name, None)
    own |= {
        "mode": layer.mode,
        "proj_size": getattr(layer, "proj_size", 0),
        "_flat_weights_names": names,
        "_all_weights": [names[k : k + count] for k in range(0, len(names), count)],
    }


def _change_class(layer: Any, old: type, new: type) -> None:
    """Of a parametrised layer the class is one of its own, whose properties are the weights."""
    if not is_parametrized(layer):
        layer.__class__ = new
        return
    given = type(layer)
    inside = {k: v for k, v in vars(given).items() if k not in ("__module__", "__doc__")}
    layer.__class__ = type(given.__name__.replace(old.__name__, new.__name__), (new,), inside)
