"""What a process may compute on."""

import os


def cores() -> int:
    """The cores that this process may use."""
    own = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(own(0)) if own else os.cpu_count() or 1
