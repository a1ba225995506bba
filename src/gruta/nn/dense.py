"""torch.nn's Linear and Embedding, whose weights are drawn where those of recurrent layers are."""

import math

from torch import nn
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


class Embedding(nn.Embedding):
    """As torch.nn's, with the same weights for the same seed."""

    def reset_parameters(self) -> None:
        """Draw all vectors anew, from the normal distribution; that of the padding is 0."""
        init.normal_(self.weight, generator=generator(self.weight.device))
        self._fill_padding_idx_with_zero()
