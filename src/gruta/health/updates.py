"""How much an optimiser's step changes the weights of each gate."""

from collections.abc import Mapping

import torch
from torch import Tensor

BLOCKS = {"GRU": "rzn", "LSTM": "ifgo"}
"""Whose rows follow each other in a layer's weights, by its mode; the RNN has one block."""

BAND = (1e-4, 1e-2)
"""Between which a ratio is usual; outside, the learning rate is worth a look."""


def update_ratios(
    mode: str, before: Mapping[str, Tensor], after: Mapping[str, Tensor]
) -> dict[str, float]:
    """‖Δθ‖/‖θ‖ of every gate's block of every weight, by "weight_hh_l0 z".

    mode: the layer's, as torch.nn names it. before, after: its parameters by name. A block of
    zeros that moved counts as infinite.
    """
    letters = BLOCKS.get(mode, "h")
    found = {}
    for name, old in before.items():
        is_gated = name.startswith(("weight_ih", "weight_hh", "bias_"))
        count = len(letters) if is_gated else 1
        pairs = zip(old.double().chunk(count), after[name].double().chunk(count), strict=True)
        for letter, (a, b) in zip(letters if is_gated else "-", pairs, strict=False):
            size = torch.linalg.vector_norm(a)
            change = torch.linalg.vector_norm(b.to(a.device) - a)
            found[f"{name} {letter}".removesuffix(" -")] = (
                float(change / size) if size > 0 else float("inf") if change > 0 else 0.0
            )
    return found
