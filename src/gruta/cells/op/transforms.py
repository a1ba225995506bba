"""What a call into a cell may be part of, beyond plain eager mode."""

import torch
from torch import Tensor
from torch.autograd import forward_ad

DTYPES = (torch.float32, torch.float64)
"""What the kernels compute."""

HALVES = (torch.bfloat16, torch.float16)
"""What they compute in float32 and round."""

PLAIN = (Tensor, torch.nn.Parameter)
"""Tensors without behaviour of their own, as subclasses have it (fake tensors among them)."""


def forward_mode() -> bool:
    """Under forward-mode differentiation."""
    return forward_ad._current_level >= 0


def transformed() -> bool:
    """Under functorch or forward-mode differentiation, for which an op has no rule."""
    return torch._C._functorch.peek_interpreter_stack() is not None or forward_mode()


# What torch.compiler.assume_constant_result sets, without the second that its import takes: a
# captured graph holds the answer, and is guarded by the transforms under which it was captured.
transformed._dynamo_marked_constant = True  # type: ignore[attr-defined]


def intercepted() -> bool:
    """Whether something records or replaces the ops of a call: torch.jit.trace, make_fx, fake or
    counting modes. They see no call of an extension, nor what it writes.
    """
    tracing = torch._C._get_tracing_state() is not None
    return tracing or torch._C._len_torch_dispatch_stack() > 0


def holds_other_numbers(t: Tensor) -> bool:
    """Whether a tensor's memory does not hold its numbers: they are negated on reading, all 0 and
    nowhere, or in a tensor that a transform wrapped and that outlived it.
    """
    return t.is_neg() or t._is_zerotensor() or _is_wrapped(t) or _is_functional(t)


_is_wrapped = torch._C._functorch.is_functorch_wrapped_tensor
_is_functional = torch._is_functional_tensor


def batched(gradient: Tensor | None) -> bool:
    """Under autograd's own vmap (`is_grads_batched`), which is not on functorch's stack."""
    return gradient is not None and torch._C._functorch.is_legacy_batchedtensor(gradient)


def autocast(device: str) -> bool:
    """Whether autocast is on for this type of device."""
    known = device == "cpu" or torch.amp.is_autocast_available(device)
    return known and torch.is_autocast_enabled(device)
