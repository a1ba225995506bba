"""A model's forward pass in another precision than its weights'."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from accelerate.utils import convert_to_fp32
from torch import nn

_cast_weights = threading.RLock()


@contextmanager
def computing_in(precision: str, model: nn.Module, device: torch.device) -> Iterator[None]:
    """Where precision is "bf16", the model computes in bfloat16 what may be; it answers in float32.

    "no": nothing is changed.
    """
    if precision == "no":
        yield
        return
    forward, own = model.forward, vars(model).get("forward")

    def lowered(*args: Any, **kwargs: Any) -> Any:
        # Autocast keeps the weights that it has cast, one store for all threads of the process,
        # until its outermost block ends, which may be the caller's and lie some steps ahead.
        with _cast_weights, torch.autocast(device.type, torch.bfloat16):
            torch.clear_autocast_cache()
            try:
                return convert_to_fp32(forward(*args, **kwargs))
            finally:
                torch.clear_autocast_cache()

    model.forward = lowered
    try:
        yield
    finally:
        del model.forward
        if own is not None:
            model.forward = own
