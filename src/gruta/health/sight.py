"""Hooks on a model's recurrent layers that see one sequence of what passes through."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence
from torch.utils.hooks import unserializable_hook

from gruta.errors import InputError
from gruta.health.hooks import Hanging, hang, weakly
from gruta.health.passes import Call
from gruta.locale import translate as _
from gruta.nn.stack import Recurrent

Layer = nn.RNNBase | Recurrent
State = tuple[Tensor, ...]
Pick = Callable[[Tensor], Tensor]


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
        more = _("; cells that a loop steps one at a time cannot be seen") if stepped else ""
        problem = _(
            "model: expected one with an RNN, LSTM or GRU layer of gruta.nn or torch.nn, found "
            "none in {kind}{more}"
        )
        raise InputError(problem.format(kind=type(model).__name__, more=more))
    return found


class Sight:
    """While it is open, sees the first sequence of each call of the layers, and its gradient.

    `calls` then holds, by layer, the longest call of those made meanwhile that a gradient came back
    to, and as long as there is none, the longest. `empty`: layers that were called with an empty
    batch, which is passed over. counts: whether a call that is being made is to be seen.
    """

    def __init__(
        self, layers: Mapping[str, Layer], counts: Callable[[], bool] = lambda: True
    ) -> None:
        self.layers = layers
        self._counts = counts
        self.calls: dict[str, Call] = {}
        self.empty: set[str] = set()
        self._hanging: list[Hanging] = []

    def __enter__(self) -> Self:
        saw = weakly(self._saw)  # a layer keeps nothing that keeps the layer
        for name, layer in self.layers.items():
            self._hanging.append(hang(layer, partial(saw, name)))
        return self

    def __exit__(self, *error: object) -> None:
        for hanging in self._hanging:
            hanging.remove()
        self._hanging = []

    def _saw(
        self, name: str, layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any
    ) -> None:
        given = args[0] if args else kwargs["input"]
        if not isinstance(_data(given), Tensor) or not self._counts():  # or a symbol of torch.fx's
            return
        if is_empty(given):
            self.empty.add(name)
            return
        first = _first_sequence(given, layer, kwargs.get("lengths"))
        x = first(_data(given))
        known = self.calls.get(name)
        if known is not None and (len(known.x) > len(x) or len(x) == 1):
            return
        hx = args[1] if len(args) > 1 else kwargs.get("hx")
        out, finals = output
        call = Call(name, x.detach().clone(), _states(hx, given))
        call.out = first(_data(out)).detach().clone()
        call.d_finals = (None,) * len(_as_tuple(finals))
        if known is None or not (known.has_gradient or len(known.x) == len(x)):
            self.calls[name] = call
        follow = partial(self._reached, call)
        _follow(call, _data(out), first, _as_tuple(finals), _place(given), follow)

    def _reached(self, call: Call) -> None:
        """A gradient came back to this call, of several perhaps that a step makes."""
        known = self.calls[call.name]
        if not known.has_gradient or len(known.x) < len(call.x):
            self.calls[call.name] = call


def is_empty(given: Any) -> bool:
    """Whether a layer's input, a tensor or a packed sequence, has no sequence in it, or no step."""
    if isinstance(given, PackedSequence):
        return not len(given.data)
    # What else a layer may be given, it speaks of itself.
    return isinstance(given, Tensor) and not given.is_nested and 0 in given.shape[:-1]


def _follow(
    call: Call,
    out: Tensor,
    first: Pick,
    finals: State,
    place: int | None,
    reached: Callable[[], None],
) -> None:
    """Keep the gradients of the layer's results when a backward pass comes by.

    The hooks hold none of the results: a result would then hold itself, and its graph's memory
    with it, until the garbage collector comes. A model may keep its results, and be saved.
    """

    # A result that the loss does not read may have None for a gradient.
    def of_out(d: Tensor | None) -> None:
        if d is not None:
            reached()
            call.d_out = first(d).detach().clone()

    def of_final(k: int, d: Tensor | None) -> None:
        if d is None:
            return
        reached()
        own = d if place is None else d[:, place]
        held = list(call.d_finals)
        held[k] = own.detach().clone()
        call.d_finals = tuple(held)

    if out.requires_grad:
        out.register_hook(unserializable_hook(of_out))  # type: ignore[no-untyped-call]
    for k, final in enumerate(finals):
        if final.requires_grad:
            of_this = unserializable_hook(partial(of_final, k))  # type: ignore[no-untyped-call]
            final.register_hook(of_this)  # type: ignore[no-untyped-call]


def _first_sequence(given: Any, layer: Layer, lengths: Any) -> Pick:
    """What picks the first sequence of a layer's input, output or gradient, `[T, size]` without
    padding.
    """
    if isinstance(given, PackedSequence):
        # The longest of the batch comes first in every step of a packed sequence.
        sizes = given.batch_sizes
        firsts = torch.cat([sizes.new_zeros(1), sizes[:-1].cumsum(0)])
        return lambda t: t[firsts.to(t.device)]
    if given.dim() == 2:
        return lambda t: t
    batch_first = layer.batch_first
    steps = None if lengths is None else int(lengths[0])
    return lambda t: (t[0] if batch_first else t[:, 0])[:steps]


def _data(given: Any) -> Tensor:
    data: Tensor = given.data if isinstance(given, PackedSequence) else given
    return data


def _place(given: Any) -> int | None:
    """Which row of a state belongs to the first sequence; None for a call without a batch."""
    if isinstance(given, PackedSequence):
        return 0 if given.sorted_indices is None else int(given.sorted_indices[0])
    return 0 if given.dim() == 3 else None


def _states(hx: Any, given: Any) -> State | None:
    if hx is None:
        return None
    place = _place(given)
    own = [s if place is None else s[:, place] for s in _as_tuple(hx)]
    return tuple(s.detach().clone() for s in own)


def _as_tuple(states: Any) -> State:
    return tuple(states) if isinstance(states, tuple | list) else (states,)
