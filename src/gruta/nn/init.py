"""Ways to fill a recurrent layer's weights before training."""

import math
from typing import TYPE_CHECKING, Literal, get_args

import torch
from torch import Generator, Tensor
from torch.nn import init

from gruta.nn.draws import generator

if TYPE_CHECKING:
    from gruta.nn.stack import Recurrent

Scheme = Literal["torch", "orthogonal", "chrono"]

KEEP_GATE = {"GRU": 1, "LSTM": 1}
"""Which block of rows is the gate that keeps the old state: z of r, z, n; f of i, f, g, o."""


def check(scheme: str, mode: str, bias: bool, longest_lag: int | None) -> None:
    """Refuse a scheme that is unknown or that the layer has no gate or bias for (ValueError)."""
    if scheme not in get_args(Scheme):
        raise ValueError(f"init: expected one of {', '.join(get_args(Scheme))}, got {scheme!r}")
    if scheme != "chrono":
        if longest_lag is not None:
            raise ValueError(f"longest_lag: only init='chrono' uses it, got init={scheme!r}")
        return
    if mode not in KEEP_GATE:
        raise ValueError("init='chrono' sets the bias of a gate, and the RNN has none: use a GRU")
    if not bias:
        raise ValueError("init='chrono' sets the bias of a gate: expected bias=True, got False")
    if longest_lag is None or longest_lag < 3:
        raise ValueError(
            "init='chrono' needs longest_lag, the longest lag in steps that the network should "
            f"remember, of at least 3; got {longest_lag}"
        )


@torch.no_grad()
def fill(layer: "Recurrent") -> None:
    """Fill `layer`'s parameters by its `init` scheme.

    A learned initial state starts at zero, the gain of a layer norm at 1 and its bias at zero.

    torch: uniform in ±1/√H, as torch.nn does.
    orthogonal: recurrent blocks orthogonal (Saxe et al. 2013, arXiv:1312.6120), input blocks Glorot
        uniform, biases 0, but 1 for the LSTM's forget gate (Gers et al. 2000).
    chrono: as torch, then the keep gate's bias ln u with u uniform in [1, longest_lag - 1]; the
        LSTM's input gate gets the opposite (Tallec and Ollivier 2018, arXiv:1804.11188).
    """
    bound = 1.0 / math.sqrt(layer.hidden_size)
    draws = generator(next(layer.parameters()).device)
    for name, parameter in layer.named_parameters():
        if name in ("h_0", "c_0"):
            init.zeros_(parameter)
        elif name.startswith("ln_"):
            init.constant_(parameter, 1.0 if "gain" in name else 0.0)
        else:
            init.uniform_(parameter, -bound, bound, generator=draws)
    if layer.init == "orthogonal":
        _orthogonal(layer, draws)
    elif layer.init == "chrono":
        _chrono(layer, draws)


def _orthogonal(layer: "Recurrent", draws: Generator | None) -> None:
    for name, parameter in layer.named_parameters():
        if name.startswith("weight_hr"):
            init.orthogonal_(parameter, generator=draws)
        elif name.startswith(("weight_hh", "weight_ih")):
            draw = init.orthogonal_ if name.startswith("weight_hh") else init.xavier_uniform_
            for block in parameter.chunk(layer.gates):
                draw(block, generator=draws)
        elif name.startswith("bias"):
            init.zeros_(parameter)
            if layer.mode == "LSTM" and name.startswith("bias_ih"):
                init.ones_(_block(layer, parameter))


def _chrono(layer: "Recurrent", draws: Generator | None) -> None:
    assert layer.longest_lag is not None
    for name, parameter in layer.named_parameters():
        if name.startswith("bias_hh"):
            init.zeros_(_block(layer, parameter))
        elif name.startswith("bias_ih"):
            keep = _block(layer, parameter)
            keep.uniform_(1, layer.longest_lag - 1, generator=draws).log_()
            if layer.mode == "LSTM":
                parameter[: layer.hidden_size] = -keep
        if layer.mode == "LSTM" and name.startswith("bias_hh"):
            init.zeros_(parameter[: layer.hidden_size])


@torch.no_grad()
def set_keep_bias(layer: "Recurrent", bias: float) -> None:
    """Start the gate that keeps at one bias in all units: z of a GRU, f of an LSTM."""
    for name, parameter in layer.named_parameters():
        if name.startswith("bias_"):
            init.constant_(_block(layer, parameter), bias if "_ih_" in name else 0.0)


def _block(layer: "Recurrent", bias: Tensor) -> Tensor:
    return bias.chunk(layer.gates)[KEEP_GATE[layer.mode]]
