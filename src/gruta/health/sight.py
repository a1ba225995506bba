"""Hooks on a model's recurrent layers that see one sequence of what passes through."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from gruta.errors import InputError
from gruta.health.passes import Call
from gruta.nn.stack import Recurrent

Layer = nn.RNNBase | Recurrent
State = tuple[Tensor, ...]


def recurrent_layers(model: nn.Module) -> dict[str, Layer]:
    """The RNN, LSTM and GRU layers of a model by name, gruta's and torch.nn's.

    A model that is one itself goes by its kind. InputError where there is none.
    """
    found = {
        name or type(model).__name__: module
        for name, module in model.named_modules()
        if isinstance(module, nn.RNNBase | Recurrent)
    }
    if not found:
        stepped = any(isinstance(m, nn.RNNCellBase) for m in model.modules())
        more = "; cells that a loop steps one at a time cannot be seen" if stepped else ""
        raise InputError(
            f"model: expected one with an RNN, LSTM or GRU layer of gruta.nn or torch.nn, found "
            f"none in {type(model).__name__}{more}"
        )
    return found


class Sight:
    """While it is open, sees the first sequence of each call of the layers, and its gradient.

    `calls` then holds, by layer, the longest call of those made meanwhile.
    """

    def __init__(self, layers: Mapping[str, Layer]) -> None:
        self.layers = layers
        self.calls: dict[str, Call] = {}
        self._handles: list[Any] = []

    def __enter__(self) -> Self:
        for name, layer in self.layers.items():
            self._handles.append(
                layer.register_forward_hook(
                    lambda layer, args, kwargs, output, name=name: self._saw(
                        name, layer, args, kwargs, output
                    ),
                    with_kwargs=True,
                )
            )
        return self

    def __exit__(self, *error: object) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def _saw(
        self, name: str, layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any
    ) -> None:
        given = args[0] if args else kwargs["input"]
        x = _row(given, layer, kwargs.get("lengths"))
        known = self.calls.get(name)
        if known is not None and len(known.x) >= len(x):
            return
        hx = args[1] if len(args) > 1 else kwargs.get("hx")
        out, finals = output
        call = Call(name, x.detach().clone(), _states(hx, given))
        call.out = _row(out, layer, kwargs.get("lengths")).detach().clone()
        call.d_finals = (None,) * len(_as_tuple(finals))
        self.calls[name] = call
        self._follow(call, layer, out, _as_tuple(finals), given)

    def _follow(self, call: Call, layer: Layer, out: Any, finals: State, given: Any) -> None:
        """Keep the gradients of the layer's results when a backward pass comes by."""
        batched = isinstance(given, PackedSequence) or given.dim() == 3
        place = _place(given) if batched else None

        # A result that the loss does not read may have None for a gradient.
        def of_out(d: Tensor | None) -> None:
            if d is None:
                return
            whole = out._replace(data=d) if isinstance(out, PackedSequence) else d
            call.d_out = _row(whole, layer, None)[: len(call.x)].detach().clone()

        def of_final(k: int, d: Tensor | None) -> None:
            if d is None:
                return
            own = d if place is None else d[:, place]
            held = list(call.d_finals)
            held[k] = own.detach().clone()
            call.d_finals = tuple(held)

        reached = out.data if isinstance(out, PackedSequence) else out
        if reached.requires_grad:
            reached.register_hook(of_out)
        for k, final in enumerate(finals):
            if final.requires_grad:
                final.register_hook(partial(of_final, k))  # type: ignore[no-untyped-call]


def _row(given: Any, layer: Layer, lengths: Any) -> Tensor:
    """The first sequence of a layer's input or output as `[T, size]`, without padding."""
    if isinstance(given, PackedSequence):
        # The longest of the batch comes first in every step of a packed sequence.
        firsts = torch.cat([given.batch_sizes.new_zeros(1), given.batch_sizes[:-1].cumsum(0)])
        return given.data[firsts.to(given.data.device)]
    if given.dim() == 2:
        return given  # type: ignore[no-any-return]
    row: Tensor = given[0] if layer.batch_first else given[:, 0]
    return row if lengths is None else row[: int(lengths[0])]


def _place(given: Any) -> int:
    """Which row of a state belongs to the first sequence."""
    if isinstance(given, PackedSequence) and given.sorted_indices is not None:
        return int(given.sorted_indices[0])
    return 0


def _states(hx: Any, given: Any) -> State | None:
    if hx is None:
        return None
    batched = isinstance(given, PackedSequence) or given.dim() == 3
    own = [s[:, _place(given)] if batched else s for s in _as_tuple(hx)]
    return tuple(s.detach().clone() for s in own)


def _as_tuple(states: Any) -> State:
    return tuple(states) if isinstance(states, tuple | list) else (states,)
