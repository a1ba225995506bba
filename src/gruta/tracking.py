"""Where metrics go besides metrics.jsonl: a tracker that accelerate knows."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from accelerate.state import AcceleratorState, PartialState
from accelerate.tracking import LOGGER_TYPE_TO_CLASS, get_available_trackers

from gruta.errors import InputError
from gruta.locale import translate as _

Track = Callable[..., Any]


@contextmanager
def tracking(name: str, directory: Path) -> Iterator[Track | None]:
    """What takes values by name, and their step, to the tracker of this name; None for "none".

    InputError unless it is installed. However the with block ends, the tracker ends what it writes.
    """
    if name == "none":
        yield None
        return
    require_tracker(name)
    with _PROCESS_STATE:
        kind = LOGGER_TYPE_TO_CLASS[name]
        place = [directory] if kind.requires_logging_directory else []
        tracker = kind("tracked", *place)
        if hasattr(tracker, "start"):  # earlier versions of accelerate start as they are made
            tracker.start()
        try:
            yield tracker.log
        finally:
            tracker.finish()


def require_tracker(name: str) -> None:
    """InputError unless the tracker of this name is installed, or it is "none"."""
    installed = [str(tracker) for tracker in get_available_trackers()]
    if name not in ("none", *installed):
        problem = (
            _("{name} is not installed; pip install it, or use one that is ({installed})")
            if installed
            else _("{name} is not installed; pip install it")
        )
        raise InputError(tracker=problem.format(name=name, installed=", ".join(installed)))


class _ProcessState:
    """accelerate's trackers ask its state of the process. Where the caller has none, one is there
    for as long as a tracker needs it: it would decide the device of the caller's next Accelerator.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users, self._is_ours = 0, False

    def __enter__(self) -> None:
        with self._lock:
            if not PartialState._shared_state:
                PartialState(cpu=True)
                self._is_ours = True
            self._users += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._users -= 1
            if self._is_ours and not self._users:
                self._is_ours = False
                if not AcceleratorState._shared_state:
                    PartialState._reset_state()


_PROCESS_STATE = _ProcessState()
