"""The memory of a process, as Linux tells it."""

import sys
from pathlib import Path
from typing import Literal


def is_told() -> bool:
    """Whether the system tells it, and forgets a peak when it is asked to."""
    return Path("/proc/self/clear_refs").exists()


def peak() -> int:
    """Bytes that this process has had at most; by `getrusage`, which counts the parent's too, where
    the system is not Linux, and 0 where there is none.
    """
    if Path("/proc/self/status").exists():
        return resident("VmHWM")
    try:
        import resource
    except ImportError:  # Windows
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def resident(which: Literal["VmRSS", "VmHWM"], process: int | Literal["self"] = "self") -> int:
    """Bytes: the size now (VmRSS), or the largest since it was forgotten (VmHWM)."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(f"{which}:"))


def forget_peak() -> None:
    """Let the largest size be that of now."""
    Path("/proc/self/clear_refs").write_text("5")
