"""A GRU, LSTM or RNN of an ONNX file: all that its attributes say, checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gruta.errors import InputError
from gruta.exchange.layer import GATES, Cell
from gruta.exchange.onnx.activations import Activation, activations
from gruta.locale import translate as _

DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}

ORDER: dict[str, tuple[int, ...]] = {"gru": (1, 0, 2), "lstm": (0, 3, 1, 2), "rnn": (0,)}
"""ONNX's blocks of rows by their place in torch.nn: z, r, n and i, o, f, g."""

_DEFAULTS = {
    "gru": ("Sigmoid", "Tanh"),
    "lstm": ("Sigmoid", "Tanh", "Tanh"),
    "rnn": ("Tanh",),
}
_KNOWN = {
    "activation_alpha",
    "activation_beta",
    "activations",
    "clip",
    "direction",
    "hidden_size",
    "input_forget",
    "layout",
    "linear_before_reset",
}


@dataclass(frozen=True)
class Operator:
    """What the attributes say; the standard's defaults where they say nothing.

    activations: of each direction, f g (h), as the standard calls them. hidden_size: None where
    only the weights tell. clip: of every sum that goes into an activation, None for no bound.
    """

    cell: Cell
    direction: Literal["forward", "reverse", "bidirectional"] = "forward"
    hidden_size: int | None = None
    layout: int = 0
    linear_before_reset: bool = False
    input_forget: bool = False
    clip: float | None = None
    activations: tuple[tuple[Activation, ...], ...] = ()

    @classmethod
    def of(cls, kind: str, given: Mapping[str, Any]) -> "Operator":
        """From a node's operator and attributes; InputError names what the standard has not."""
        cell: Any = kind.lower()
        if cell not in GATES:
            problem = _("expected a GRU, LSTM or RNN, found {kind}")
            raise InputError(problem.format(kind=kind))
        for name in given.keys() - _KNOWN:
            raise InputError(_("{kind} has no attribute {name}").format(kind=kind, name=name))
        direction = _text(given.get("direction", "forward"))
        if direction not in DIRECTIONS:
            problem = _("direction: expected one of {known}, found {found!r}")
            raise InputError(problem.format(known=", ".join(DIRECTIONS), found=direction))
        count = len(DIRECTIONS[direction])
        clip = given.get("clip")
        if clip is not None and not clip > 0:
            raise InputError(
                _("clip: expected a number above zero, found {clip}").format(clip=clip)
            )
        hidden = given.get("hidden_size")
        return cls(
            cell,
            direction,  # type: ignore[arg-type]
            None if hidden is None else int(hidden),
            int(given.get("layout", 0)),
            bool(given.get("linear_before_reset", 0)),
            bool(given.get("input_forget", 0)),
            None if clip is None else float(clip),
            _activations(cell, count, given),
        )

    @property
    def directions(self) -> tuple[bool, ...]:
        """Of each direction whether it walks from the last step to the first."""
        return DIRECTIONS[self.direction]

    @property
    def beyond_layers(self) -> list[str]:
        """The attributes that no layer of gruta has, as they are written; `run` computes them."""
        alike = len(set(self.activations)) == 1
        plain = alike and self.activations[0] in _PLAIN[self.cell]
        found = [] if plain else [f"activations={self._names()}"]
        found += [] if self.clip is None else [f"clip={self.clip:g}"]
        return found + (["input_forget=1"] if self.input_forget else [])

    def _names(self) -> list[str]:
        return [one.name for side in self.activations for one in side]


def _activations(
    cell: str, count: int, given: Mapping[str, Any]
) -> tuple[tuple[Activation, ...], ...]:
    default = _DEFAULTS[cell]
    names = [_text(name) for name in given.get("activations", ())] or list(default) * count
    if names == list(default) * 2:  # as the standard has it for an RNN, whatever its direction
        names = names[: len(default) * count]
    if len(names) != len(default) * count:
        problem = _("activations: expected {expected}, {each} a direction, found {found}")
        told = {"expected": len(default) * count, "each": len(default), "found": len(names)}
        raise InputError(problem.format(**told))
    alphas, betas = given.get("activation_alpha", ()), given.get("activation_beta", ())
    found = activations(names, list(alphas), list(betas))
    each = len(default)
    return tuple(found[k : k + each] for k in range(0, len(found), each))


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


_SIGMOID, _TANH, _RELU = Activation("Sigmoid"), Activation("Tanh"), Activation("Relu")
_PLAIN: dict[str, list[tuple[Activation, ...]]] = {
    "gru": [(_SIGMOID, _TANH)],
    "lstm": [(_SIGMOID, _TANH, _TANH)],
    "rnn": [(_TANH,), (_RELU,)],
}
"""What the kernels compute."""
