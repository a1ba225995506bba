"""Which linear layer reads a recurrent layer's states: found by watching a run, not by a name."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gruta.health.hooks import Hanging, hang
from gruta.health.passes import Call

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Readout:
    """A linear layer y = V u + a whose input u begins with a recurrent layer's output.

    name: in the model. V `[K, D*P]`: its part for that output. a `[K]`. y `[T, K]`: what it says at
    each step of the sequence, what else is in u included; NaN at steps that it did not read, unless
    u is the output alone.
    """

    name: str
    V: Array
    a: Array
    y: Array


class Linears:
    """While it is open, sees what the model's linear layers read."""

    def __init__(self, model: nn.Module) -> None:
        self.seen: list[tuple[str, nn.Linear, Tensor]] = []
        self._layers = {n: m for n, m in model.named_modules() if isinstance(m, nn.Linear)}
        self._hanging: list[Hanging] = []

    def __enter__(self) -> Self:
        for name, layer in self._layers.items():
            self._hanging.append(hang(layer, partial(self._saw, name), before=True))
        return self

    def __exit__(self, *error: object) -> None:
        for hanging in self._hanging:
            hanging.remove()

    def _saw(self, name: str, layer: nn.Linear, args: Any, kwargs: Any) -> None:
        given: tuple[Tensor, ...] = args or (kwargs["input"],)
        self.seen.append((name, layer, _side_by_side(given).detach()))


def _side_by_side(sides: tuple[Tensor, ...]) -> Tensor:
    """What a linear layer reads, where it takes several tensors (`gruta.nn.dense.Mix`) as well."""
    if len(sides) == 1:
        return sides[0]
    outer = (side.shape[:-1] for side in sides)
    shape = torch.broadcast_shapes(*outer)  # type: ignore[no-untyped-call]
    return torch.cat([side.expand(*shape, -1) for side in sides], -1)


def readouts(linears: Linears, calls: Mapping[str, Call]) -> dict[str, Readout]:
    """The linear layer that reads each recurrent layer's output, by the latter's name."""
    found = {}
    for name, call in calls.items():
        assert call.out is not None
        for linear_name, linear, given in linears.seen:
            made = _readout(linear_name, linear, given, call.out)
            if made is not None:
                found[name] = made
                break
    return found


def _readout(name: str, linear: nn.Linear, given: Tensor, out: Tensor) -> Readout | None:
    """`linear` as a readout of the states `out [T, D*P]`, if one of them is in its input."""
    size = out.shape[1]
    if linear.in_features < size:
        return None
    rows = given.reshape(-1, linear.in_features)
    places = [_place(rows[:, :size], step) for step in out]
    if all(place is None for place in places):
        return None
    V = linear.weight.detach().double().cpu().numpy()
    a = np.zeros(len(V)) if linear.bias is None else linear.bias.detach().double().cpu().numpy()
    if linear.in_features == size:
        y = out.double().cpu().numpy() @ V.T + a
    else:
        y = np.full((len(out), len(V)), np.nan)
        for t, place in enumerate(places):
            if place is not None:
                y[t] = V @ rows[place].double().cpu().numpy() + a
    return Readout(name, V[:, :size], a, y)


def _place(rows: Tensor, step: Tensor) -> int | None:
    """The first row that equals a state."""
    equal = (rows == step).all(dim=1).nonzero()
    return int(equal[0]) if len(equal) else None
