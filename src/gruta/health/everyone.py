"""Hooks on the steps of all optimisers of a process."""

import threading
from collections.abc import Callable
from typing import Any

_lock = threading.Lock()
_hung: set[Callable[..., Any]] = set()


def on_every_step(register: Callable[[Any], Any], hook: Callable[..., Any]) -> None:
    """Hang `hook` up by torch's `register`, once and for good.

    torch walks through such hooks during a step, and fails where they come or go meanwhile, which
    another thread's would.
    """
    with _lock:
        if hook not in _hung:
            register(hook)
            _hung.add(hook)
