"""What a run should say about the machine that it ran on."""

import os
import platform
from pathlib import Path
from typing import Any

from gruta import kernels
from gruta.bench.limits import l2_bytes
from gruta.cores import cores


def describe() -> dict[str, Any]:
    """Names, sizes in bytes, and how busy it is: processes that want a core, over a minute."""
    return {
        "cpu": _cpu(),
        "cores": cores(),
        "l2_bytes": l2_bytes(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "instruction set": kernels.isa(),
        "load": round(os.getloadavg()[0], 2),
    }


def _cpu() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        found.setdefault(name.strip(), value.strip())
    name = found.get("model name") or platform.machine()
    numbers = [f"{n} {found[n]}" for n in ("cpu family", "model") if n in found]
    return f"{name} ({', '.join(numbers)})" if numbers else name
