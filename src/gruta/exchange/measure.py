"""What it takes to write and prove a module of 20 million parameters as ONNX, on one thread.

    python -m gruta.exchange.measure

prints JSON: seconds of the processor, beside those that it takes to write the file and to run it
twice at the sizes of the proof, and memory above that of a process that holds the module, in sizes
of the weights. It ends with 1 where the time is more than twice the other, or the memory more than
2.5. Each is measured in a process of its own.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

MOST_TIME, MOST_MEMORY = 2.0, 2.5
_I, _H = 1536, 1024
_LAYERS = 3


def main(part: str = "", folder: str = "") -> int:
    """The whole of it, or one part in this process."""
    if part:
        sys.stdout.write(json.dumps(_measured(part, Path(folder, "model.onnx"))))
        return 0
    nothing, plain, proven = (_in_a_process(name) for name in ("nothing", "plain", "proven"))
    found = {
        "parameters": nothing["parameters"],
        "seconds": proven["seconds"],
        "seconds_to_write_and_run_twice": plain["seconds"],
        "memory": (proven["bytes"] - nothing["bytes"]) / (4 * nothing["parameters"]),
    }
    sys.stdout.write(json.dumps(found) + "\n")
    slow = found["seconds"] > MOST_TIME * found["seconds_to_write_and_run_twice"]
    return int(slow or found["memory"] > MOST_MEMORY)


def _in_a_process(part: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "gruta.exchange.measure", part, folder],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _measured(part: str, path: Path) -> dict[str, float]:
    import onnx  # noqa: F401  # no part of what is measured
    import onnxruntime  # noqa: F401
    import torch

    import gruta.exchange.torch_layers  # noqa: F401
    from gruta.exchange import to_onnx

    torch.set_num_threads(1)
    gru = torch.nn.GRU(_I, _H, num_layers=_LAYERS)
    count = sum(weight.numel() for weight in gru.parameters())
    start = time.process_time()
    if part == "plain":
        _written_and_run_twice(gru, path)
    if part == "proven":
        to_onnx(gru, path)
    seconds = time.process_time() - start
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"parameters": count, "seconds": seconds, "bytes": peak}


def _written_and_run_twice(gru: Any, path: Path) -> None:
    from gruta.exchange.doors import engine
    from gruta.exchange.onnx.write import pieces
    from gruta.exchange.proof import SIZES
    from gruta.exchange.torch_layers import from_torch

    with path.open("wb") as file:
        file.writelines(pieces(from_torch(gru, share=True)))
    run, _by = engine(path)
    for T, B in SIZES * 2:
        x, h_0 = np.zeros((T, B, _I), np.float32), np.zeros((_LAYERS, B, _H), np.float32)
        run({"x": x, "h_0": h_0})


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
