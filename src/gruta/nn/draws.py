"""Where random numbers come from: torch's global generators, or those of one training alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Generator

from gruta.locale import translate as _


class Draws:
    """Generators of one seed, one a device, each made when it is first asked for."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._by_device: dict[torch.device, Generator] = {}

    def on(self, device: torch.device) -> Generator | None:
        """That of a device; None on "meta", where nothing is drawn."""
        if device.type == "meta":
            return None
        if device not in self._by_device:
            self._by_device[device] = Generator(device).manual_seed(self.seed)
        return self._by_device[device]


_current: ContextVar[Draws | None] = ContextVar("draws", default=None)


@contextmanager
def drawing(seed: int | None) -> Iterator[None]:
    """What layers draw meanwhile, in this thread, comes from generators of this seed.

    None: from torch's, as ever. On a CPU they give what torch's global generator does after
    `torch.manual_seed(seed)`. What torch.compile captured draws from torch's.
    """
    token = _current.set(None if seed is None else Draws(seed))
    try:
        yield
    finally:
        _current.reset(token)


def generator(device: torch.device) -> Generator | None:
    """The one to draw from on a device; None for torch's global one."""
    if torch.compiler.is_compiling():
        return None
    draws = _current.get()
    if draws is None:
        return None
    if torch._C._current_graph_task_id() != -1:
        problem = _(
            "torch.utils.checkpoint computes a layer again that draws from generators of the "
            "training's own, and would draw other numbers; leave own_draws out of the task"
        )
        raise RuntimeError(problem)
    return draws.on(device)
