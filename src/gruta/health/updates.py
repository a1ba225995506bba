"""How much an optimiser's step changes the weights of each gate."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

BAND = (1e-4, 1e-2)
"""Between which a ratio is usual; outside, the learning rate is worth a look."""


def update_ratios(
    letters: str, before: Mapping[str, Tensor], after: Mapping[str, Tensor]
) -> dict[str, float]:
    """‖Δθ‖/‖θ‖ of every gate's block of every weight, by "weight_hh_l0 z".

    letters: of the layer's gates, in the order of their blocks. before, after: its parameters by
    name. A block of zeros that moved counts as infinite.
    """
    found = {}
    for name, old in before.items():
        is_gated = name.startswith(("weight_ih", "weight_hh", "bias_"))
        blocks = len(letters) if is_gated else 1
        a = old.double().reshape(blocks, -1)
        change = after[name].to(a.device, torch.float64).reshape(blocks, -1) - a
        sizes, changes = (torch.linalg.vector_norm(m, dim=1).tolist() for m in (a, change))
        names = [f"{name} {letter}" for letter in letters] if is_gated else [name]
        for own, size, moved in zip(names, sizes, changes, strict=True):
            found[own] = moved / size if size > 0 else math.inf if moved > 0 else 0.0
    return found
