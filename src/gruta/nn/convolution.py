"""torch.nn's Conv1d and Conv2d, whose weights are drawn where those of recurrent layers are."""

import math

from torch import nn
from torch.nn import init

from gruta.nn.draws import generator


class _Drawn(nn.modules.conv._ConvNd):
    """Uniform in ±1/√(what a filter reads), as torch.nn's."""

    def reset_parameters(self) -> None:
        """Draw all parameters anew."""
        draws = generator(self.weight.device)
        init.kaiming_uniform_(self.weight, a=math.sqrt(5), generator=draws)
        if self.bias is not None:
            bound = 1 / math.sqrt(self.weight[0].numel())
            init.uniform_(self.bias, -bound, bound, generator=draws)


class Conv1d(_Drawn, nn.Conv1d):
    """As torch.nn's, with the same weights for the same seed."""


class Conv2d(_Drawn, nn.Conv2d):
    """As torch.nn's, with the same weights for the same seed."""
