"""The gradients of a step as a clipper reads them: of which tensors, how long, agreed by whom."""

import math
from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor, nn

from gruta.health.rules import Gradient, wide

Named = Iterable[tuple[str, Tensor]]
Parameters = nn.Module | Tensor | Iterable[Tensor] | Named
"""What a clipper takes: a model, or what torch's `clip_grad_norm_` takes, with names or without."""


def named(given: Parameters) -> list[tuple[str, Tensor]]:
    """Each parameter once, with its name: its own, or its place in the list."""
    if isinstance(given, nn.Module):
        return list(given.named_parameters())
    each = [given] if isinstance(given, Tensor) else given
    found: dict[int, tuple[str, Tensor]] = {}
    for i, one in enumerate(each):
        name, p = (f"parameter {i}", one) if isinstance(one, Tensor) else one
        found.setdefault(id(p), (name, p))
    return list(found.values())


def gradients(named: Named, scale: float = 1.0) -> tuple[list[Gradient], str | None]:
    """The gradients that there are, and the first parameter whose is not finite.

    scale: what they were multiplied by.
    """
    names, parameters, values = [], [], []
    for name, p in named:
        d = p.grad
        if d is not None:
            names.append(name)
            parameters.append(p)
            values.append(_values(p, d))
    lengths = norms(values)
    bad = (name for name, norm in zip(names, lengths, strict=True) if not math.isfinite(norm))
    found = [
        Gradient(v, p, norm / scale, scale)
        for v, p, norm in zip(values, parameters, lengths, strict=True)
    ]
    return found, next(bad, None)


def norm_of(p: Tensor) -> float:
    """The 2-norm of a parameter's gradient; 0 where there is none."""
    return 0.0 if p.grad is None else norms([_values(p, p.grad)])[0]


def _values(p: Tensor, d: Tensor) -> Tensor:
    """The numbers of a parameter's gradient d, to be changed in place."""
    if d.is_sparse:
        p.grad = d.coalesce()
        return p.grad._values()
    if d.is_conj():  # autograd may leave the conjugate of another tensor, not yet computed
        p.grad = d = d.resolve_conj()
    return d


@torch.no_grad()
def norms(values: list[Tensor]) -> list[float]:
    """The 2-norm of each, in float64; of the whole where it is spread over processes."""
    if not values:
        return []
    if all(type(v) is Tensor and v.is_cpu and not v.is_complex() for v in values):
        return torch.stack(torch._foreach_norm(values, 2, torch.float64)).tolist()
    found = [torch.linalg.vector_norm(v, dtype=wide(v)) for v in values]
    whole = [n.full_tensor() if hasattr(n, "full_tensor") else n for n in found]
    alike = len({n.dtype for n in whole}) == 1  # an MPS device sums in float32
    moved = [n.to(whole[0].device if alike else "cpu") for n in whole]
    return torch.stack(moved if alike else [n.double() for n in moved]).tolist()


def agreed(norm: float, culprit: str | None) -> tuple[float, str | None]:
    """What all processes that train together take for norm and culprit: the worst."""
    if not (dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1):
        return norm, culprit
    device = torch.device("cuda") if dist.get_backend() == "nccl" else torch.device("cpu")
    worst = torch.tensor(
        [norm if math.isfinite(norm) else math.inf, culprit is not None],
        dtype=torch.float64,
        device=device,
    )
    dist.all_reduce(worst, dist.ReduceOp.MAX)
    norm, bad = worst.tolist()
    return norm, culprit or ("a parameter of another process" if bad else None)
