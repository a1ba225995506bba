"""What surrounds a computation in its process is the caller's: kept out, and left as it was."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Generator

from gruta.arithmetic import as_usual


@contextmanager
def learning() -> Iterator[None]:
    """Gradients are on in this thread, inference mode and autocast off, whatever the caller has."""
    _take_a_number()
    with ExitStack() as modes:
        modes.enter_context(torch.inference_mode(False))
        for kind in ("cpu", "cuda", "mps", "xpu"):
            if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
                modes.enter_context(torch.autocast(kind, enabled=False))
        yield


@contextmanager
def undisturbed() -> Iterator[None]:
    """As `learning`; besides, new tensors are on the CPU, and NumPy warns as it does by default.

    No mode of a thread, but one of the whole process, is the default dtype: the code inside names
    its own.
    """
    with ExitStack() as modes:
        modes.enter_context(learning())
        modes.enter_context(as_usual())
        if torch.get_default_device().type != "cpu":
            modes.enter_context(torch.device("cpu"))
        yield


_entering = threading.Lock()


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch compute on `count` CPU threads inside the with block, in this thread alone."""
    with _entering:
        before = torch.get_num_threads()
        if count != before:
            torch.set_num_threads(count)
            # torch keeps a number for each thread, and for new ones the last that was set in any.
            _for_new_threads(before)
    try:
        yield
    finally:
        if count != before:
            torch.set_num_threads(before)


def _for_new_threads(count: int) -> None:
    setting = threading.Thread(target=torch.set_num_threads, args=(count,))
    setting.start()
    setting.join()


def _take_a_number() -> None:
    """A thread takes its number as it first computes: not while another one's stands there."""
    with _entering:
        torch.get_num_threads()


_turn = threading.RLock()


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's global generators, of the CPU and of `device`, and put them back at the end.

    There is one a process: threads that are here take turns.
    """
    with _turn:
        generators = _global_generators(device)
        before = [generator.get_state() for generator in generators]
        for generator in generators:
            generator.manual_seed(seed)
        try:
            yield
        finally:
            for generator, state in zip(generators, before, strict=True):
                generator.set_state(state)


def _global_generators(device: torch.device) -> list[Generator]:
    found = [torch.default_generator]
    match device.type:
        case "cuda" | "xpu":
            module = torch.get_device_module(device)
            place = module.current_device() if device.index is None else device.index
            found.append(module.default_generators[place])
        case "mps":
            found.append(torch.mps._get_default_mps_generator())
    return found
