"""How far back the network looks: the influence of each input, and what forgetting costs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gruta.errors import InputError
from gruta.health.passes import Call, apart
from gruta.health.sight import recurrent_layers
from gruta.locale import translate as _
from gruta.nn.stack import Recurrent
from gruta.nn.twin import twin

Array = NDArray[Any]

SHARE = 0.95
_NUMBERS = 2**24
"""How many numbers a batch of sequences may have a unit, for its memory."""


@dataclass(frozen=True, eq=False)
class Influence:
    """‖∂y_t/∂x_s‖ for some steps t and every s: `[K, T]`; times `[K]`: those steps t, rising.

    both_ways: whether the layer reads the future as well, so that s > t counts.
    """

    norms: Array
    times: Array
    both_ways: bool

    def by_lag(self) -> Array:
        """The mean share of the influence at each lag |t − s|, `[T]`, over the later half of the
        steps t, which have something behind them; they add up to 1.
        """
        T = self.norms.shape[1]
        late = self.times >= T // 2
        shares = np.zeros(T)
        for t, row in zip(self.times[late], self.norms[late], strict=True):
            lags = np.abs(t - np.arange(T))
            total = row.sum()
            if total > 0:
                np.add.at(shares, lags, row / total)
        whole: float = shares.sum()
        return shares / whole if whole > 0 else shares

    @property
    def horizon(self) -> int:
        """The memory horizon: the smallest lag within which 95 % of the influence lies; 0 where no
        input has any.
        """
        shares = self.by_lag()
        return int(np.searchsorted(np.cumsum(shares), SHARE)) if shares.any() else 0


def carried(states: Array, fact: Array) -> Array:
    """How much of each unit's state is about a fact: `[T, H]`, shares from 0 to 1.

    states `[T, B, H]` of B sequences that differ in the fact and in all else, fact `[B]` its value
    in each. The correlation ratio η² (Fisher 1925): of the variance over the sequences, the part
    that lies between the values' means. By chance alone it is about (values − 1) / (B − 1).
    """
    states = np.asarray(states, np.float64)
    whole = states.var(axis=1)
    mean = states.mean(axis=1)
    between = np.zeros_like(whole)
    for value in np.unique(fact):
        own = states[:, fact == value]
        between += own.shape[1] / states.shape[1] * np.square(own.mean(axis=1) - mean)
    share: Array = np.divide(between, whole, out=np.zeros_like(whole), where=whole > 0)
    return share


def influence(
    layer: Recurrent,
    call: Call,
    *,
    readout: Callable[[Tensor], Tensor] | None = None,
    outputs: int = 64,
    probes: int = 4,
    seed: int = 0,
) -> Influence:
    """How strongly each input of a layer's stack moves its output (after Madsen, Distill 2019).

    layer: the twin of the one that was called. readout: from its output `[..., D*P]` to what counts
    as y, for instance a linear layer; without it y is the output. outputs: how many steps t, spread
    evenly and with the last. The norm is Frobenius', estimated by random vectors.
    """
    T = len(call.x)
    times = np.unique(np.linspace(0, T - 1, min(outputs, T)).round().astype(int))
    dtype = next(layer.parameters()).dtype
    x = call.x.detach().to("cpu", dtype)
    generator = torch.Generator("cpu").manual_seed(seed)
    at_once = max(1, _NUMBERS // (T * layer.hidden_size * layer.num_layers))
    rows = np.repeat(times, probes)
    squares = []
    for start in range(0, len(rows), at_once):
        own = torch.from_numpy(rows[start : start + at_once])
        batch = x[:, None].repeat(1, len(own), 1).requires_grad_()
        with apart(), torch.enable_grad():
            out, _ = layer(batch, _repeated(call.initial, len(own), dtype))
            y = out[own, torch.arange(len(own))]
            y = y if readout is None else readout(y)
            v = torch.randn(y.shape, generator=generator, dtype=torch.float32, device="cpu")
            (dx,) = torch.autograd.grad((y * v.to(y.dtype)).sum(), batch)
        squares.append(dx.double().square().sum(dim=2).T.numpy())
    means = np.concatenate(squares).reshape(len(times), probes, T).mean(axis=1)
    return Influence(np.sqrt(means), times, layer.bidirectional)


def _repeated(initial: tuple[Tensor, ...] | None, rows: int, dtype: torch.dtype) -> Any:
    if initial is None:
        return None
    states = tuple(s.to("cpu", dtype)[:, None].repeat(1, rows, 1) for s in initial)
    return states if len(states) > 1 else states[0]


def loss_by_context(
    model: nn.Module, loss: Callable[[], Tensor], contexts: Sequence[int]
) -> list[float]:
    """The loss when the layers remember only their last so many steps, for each of `contexts`.

    loss: runs the model in evaluation on sequences of equal length, and answers with a number. Each
    recurrent layer starts afresh, from zeros or its learned state, that many steps before the end.
    InputError for calls with packed sequences or lengths.
    """
    layers = recurrent_layers(model)
    twins = {name: twin(layer) for name, layer in layers.items()}
    found = []
    for context in contexts:
        handles = [
            layer.register_forward_hook(_forgetting(layer, twins[name], context), with_kwargs=True)
            for name, layer in layers.items()
        ]
        try:
            with torch.no_grad():
                found.append(float(loss()))
        finally:
            for handle in handles:
                handle.remove()
    return found


def _forgetting(layer: Any, double: Recurrent, context: int) -> Callable[..., Any]:
    """A hook that puts, in the place of the layer's results, those with a reset before the end."""

    def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any:
        x = args[0] if args else kwargs["input"]
        if not isinstance(x, Tensor) or kwargs.get("lengths") is not None:
            raise InputError(_("loss: expected sequences of equal length, without padding"))
        batch_first = layer.batch_first and x.dim() == 3
        rows = x.transpose(0, 1) if batch_first else x
        reset = torch.zeros(rows.shape[:-1], dtype=torch.bool, device="cpu")
        reset[max(0, len(rows) - context)] = True
        hx = args[1] if len(args) > 1 else kwargs.get("hx")
        dtype, device = next(double.parameters()).dtype, x.device

        def here(state: Any) -> Any:
            if isinstance(state, tuple | list):
                return tuple(map(here, state))
            return None if state is None else state.to("cpu", dtype)

        def back(state: Any) -> Any:
            if isinstance(state, tuple):
                return tuple(map(back, state))
            return state.to(device, x.dtype)

        if context >= len(rows):
            return output
        with apart():
            out, finals = double(here(rows), here(hx), reset_mask=reset)
        return back(out.transpose(0, 1) if batch_first else out), back(finals)

    return hook
