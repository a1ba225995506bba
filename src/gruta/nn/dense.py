"""torch.nn's Linear and Embedding, and a linear layer of several inputs.

Their weights are drawn where those of recurrent layers are.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import init

from gruta.nn.draws import generator


class Linear(nn.Linear):
    """As torch.nn's, with the same weights for the same seed."""

    def reset_parameters(self) -> None:
        """Draw all parameters anew, uniform in ±1/√in_features."""
        draws = generator(self.weight.device)
        init.kaiming_uniform_(self.weight, a=math.sqrt(5), generator=draws)
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features)
            init.uniform_(self.bias, -bound, bound, generator=draws)


class Mix(Linear):
    """A linear layer of what lies side by side, with a product for each side: what is the same at
    all steps is multiplied once, and a side without a gradient needs none.
    """

    def forward(self, *sides: Tensor) -> Tensor:
        """Sides `[..., C]` of any C that sum up to in_features, whose other dimensions broadcast:
        `[..., out_features]`.
        """
        weights = torch.split(self.weight, [side.shape[-1] for side in sides], 1)
        least = min(range(len(sides)), key=lambda i: sides[i].numel())  # where a bias costs least
        products = [
            F.linear(side, weight, self.bias if i == least else None)
            for i, (side, weight) in enumerate(zip(sides, weights, strict=True))
        ]
        return sum(products[1:], start=products[0])


class Embedding(nn.Embedding):
    """As torch.nn's, with the same weights for the same seed."""

    def reset_parameters(self) -> None:
        """Draw all vectors anew, from the normal distribution; that of the padding is 0."""
        init.normal_(self.weight, generator=generator(self.weight.device))
        self._fill_padding_idx_with_zero()
