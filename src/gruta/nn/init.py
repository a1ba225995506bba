"""Ways to fill a recurrent layer's weights before training."""

import math
from collections.abc import Mapping
from typing import Literal

import torch
from torch import Generator, Tensor
from torch.nn import init

from gruta.cells.op import Cell
from gruta.nn.draws import generator

Scheme = Literal["torch", "orthogonal", "chrono"]


@torch.no_grad()
def fill(
    parameters: Mapping[str, Tensor],
    cell: Cell,
    hidden: int,
    scheme: Scheme,
    longest_lag: int | None,
) -> None:
    """Fill a layer's parameters, known by their names, by a scheme. hidden: H.

    A learned initial state starts at zero, the gain of a layer norm at 1 and its bias at zero.

    torch: uniform in ±1/√H, as torch.nn does.
    orthogonal: recurrent blocks orthogonal (Saxe et al. 2013, arXiv:1312.6120), input blocks Glorot
        uniform, biases 0, but 1 for the LSTM's forget gate (Gers et al. 2000).
    chrono: as torch, then the keep gate's bias ln u with u uniform in [1, longest_lag - 1]; the
        LSTM's input gate gets the opposite (Tallec and Ollivier 2018, arXiv:1804.11188).
    """
    bound = 1.0 / math.sqrt(hidden)
    draws = generator(next(iter(parameters.values())).device)
    for name, parameter in parameters.items():
        if name in ("h_0", "c_0"):
            init.zeros_(parameter)
        elif name.startswith("ln_"):
            init.constant_(parameter, 1.0 if "gain" in name else 0.0)
        else:
            init.uniform_(parameter, -bound, bound, generator=draws)
    if scheme == "orthogonal":
        _orthogonal(parameters, cell, draws)
    elif scheme == "chrono":
        assert longest_lag is not None
        _chrono(parameters, cell, longest_lag, draws)


def _orthogonal(parameters: Mapping[str, Tensor], cell: Cell, draws: Generator | None) -> None:
    for name, parameter in parameters.items():
        if name.startswith("weight_hr"):
            init.orthogonal_(parameter, generator=draws)
        elif name.startswith(("weight_hh", "weight_ih")):
            draw = init.orthogonal_ if name.startswith("weight_hh") else init.xavier_uniform_
            for block in parameter.chunk(cell.gates):
                draw(block, generator=draws)
        elif name.startswith("bias"):
            init.zeros_(parameter)
            if cell.entry and name.startswith("bias_ih"):
                init.ones_(cell.block(parameter, cell.keep))


def _chrono(
    parameters: Mapping[str, Tensor], cell: Cell, longest_lag: int, draws: Generator | None
) -> None:
    for name, parameter in parameters.items():
        if name.startswith("bias_ih"):
            keep = cell.block(parameter, cell.keep)
            keep.uniform_(1, longest_lag - 1, generator=draws).log_()
            if cell.entry:
                cell.block(parameter, cell.entry).copy_(-keep)
        elif name.startswith("bias_hh"):
            for letter in filter(None, (cell.keep, cell.entry)):
                init.zeros_(cell.block(parameter, letter))
