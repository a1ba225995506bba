"""A pass's weights in one block of memory: cuDNN copies them at every call where they are not."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.backends.cudnn import rnn


def flatten(weights: Sequence[Tensor], mode: str, hidden: int, projected: int) -> None:
    """Move the weights of one layer in one direction next to each other, in place.

    weights: in torch.nn's order. Nothing happens for weights that cuDNN would not take.
    """
    first = weights[0]
    acceptable: Any = torch.backends.cudnn.is_acceptable
    fit = all(w.is_cuda and w.dtype is first.dtype and acceptable(w) for w in weights)
    alone = len({w.data_ptr() for w in weights}) == len(weights)
    if not fit or not alone or not torch._use_cudnn_rnn_flatten_weight():
        return
    with torch.cuda.device_of(first), torch.no_grad():  # type: ignore[no-untyped-call]
        torch._cudnn_rnn_flatten_weight(
            list(weights),
            len(weights),
            first.shape[1],
            rnn.get_cudnn_mode(mode),  # type: ignore[no-untyped-call]
            hidden,
            projected,
            1,
            False,
            False,
        )
