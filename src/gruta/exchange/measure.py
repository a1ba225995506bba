"""What it takes to hand a module of 20 million parameters on and to prove it, on one thread.

    python -m gruta.exchange.measure

prints JSON of each way out and in: seconds of the processor, the median of some tries, beside those
that it takes to write the ONNX file and to run it twice at the sizes of the proof; and the most
memory above that of a process which holds what it starts from, in sizes of the weights, the result
included. It ends with 1 where a time is more than twice the other, or a memory more than 2.5. Each
is measured in a process of its own. A file to read lies on the disk, weights to read are held.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from gruta.locale import translate as _
from gruta.resident import peak

MOST_TIME, MOST_MEMORY = 2.0, 2.5
_LAYERS, _I, _H = 3, 1536, 1024
_SMALL = 1, 3, 4
_BESIDE = {
    "to_onnx": "module",
    "to_keras": "module",
    "to_weights:flax.linen": "module",
    "to_weights:openvino": "module",
    "from_onnx": "nothing",
    "from_keras": "nothing",
    "from_weights:flax.linen": "weights",
}
"""What is measured, and what it starts from, as does the process that it is measured beside."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The whole of it, or one part in this process."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tries", type=int, default=3, help=_("of each time; 3 if unset"))
    parser.add_argument("part", nargs="*", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.tries < 1 or len(asked.part) not in (0, 6):
        parser.error(_("expected nothing, or --tries of 1 or more"))
    if asked.part:
        part, way, folder, *sizes = asked.part
        layers, I, H = map(int, sizes)
        sys.stdout.write(json.dumps(_measured(part, way, Path(folder), (layers, I, H))))
        return 0
    with TemporaryDirectory() as folder:
        made = in_a_process("files", "", folder)
        took = [_seconds(folder) for _try in range(asked.tries)]
        used = {way: memory(way, folder) for way in _BESIDE}
    seconds = {way: median(one[way] for one in took) for way in took[0]}
    most = MOST_TIME * seconds.pop("plain")
    found = {
        "parameters": made["parameters"],
        "seconds": seconds | {"at_most": most},
        "memory": used | {"at_most": MOST_MEMORY},
    }
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
    return int(max(seconds.values()) > most or max(used.values()) > MOST_MEMORY)


def _seconds(folder: str) -> dict[str, float]:
    """Of the processor, of what all are measured beside, and of each way."""
    found = {"plain": in_a_process("plain", "to_onnx", folder)["seconds"]}
    return found | {way: in_a_process(way, way, folder)["seconds"] for way in _BESIDE}


def memory(way: str, folder: str, sizes: tuple[int, int, int] = (_LAYERS, _I, _H)) -> float:
    """The most that a way takes above what it starts from, in sizes of the weights.

    way: one of those that are measured. folder: where "files" has been. sizes: L, I and H.
    """
    own, beside = (in_a_process(part, way, folder, sizes) for part in (way, _BESIDE[way]))
    return (own["bytes"] - beside["bytes"]) / (4 * own["parameters"])


def in_a_process(
    part: str, way: str, folder: str, sizes: tuple[int, int, int] = (_LAYERS, _I, _H)
) -> dict[str, float]:
    """Parameters, seconds of the processor and the most bytes of a part.

    way: gone with a small module before, so that imports and what libraries set up the first time
    count as little as they can.
    """
    done = subprocess.run(
        [sys.executable, "-m", "gruta.exchange.measure", part, way, folder, *map(str, sizes)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _measured(part: str, way: str, folder: Path, sizes: tuple[int, int, int]) -> dict[str, float]:
    import torch

    torch.set_num_threads(1)
    small = folder / "small"
    if part == "files":
        small.mkdir()
        _parts(part, small, _SMALL)[1](_module(_SMALL))
    if way:
        starts, run = _parts(way, small, _SMALL)
        run(starts())
    starts, run = _parts(part, folder, sizes)
    held = starts()
    start = time.process_time()
    kept = run(held)
    seconds = time.process_time() - start
    most = peak()
    del kept
    layers, I, H = sizes
    count = sum(3 * H * (own + H + 2) for own in [I, *[H] * (layers - 1)])
    return {"parameters": count, "seconds": seconds, "bytes": most}


def _parts(
    part: str, folder: Path, sizes: tuple[int, int, int]
) -> tuple[Callable[[], Any], Callable[[Any], Any]]:
    """What a part starts from, and what is done to that."""
    from gruta import exchange

    onnx, keras, weights = (folder / name for name in ("model.onnx", "model.keras", "weights.npz"))
    way, _colon, framework = part.partition(":")
    runs: dict[str, Callable[[Any], Any]] = {
        "files": lambda gru: _written(gru, onnx, keras, weights),
        "plain": lambda gru: _written_and_run_twice(gru, folder / "plain.onnx", sizes),
        "to_onnx": lambda gru: exchange.to_onnx(gru, folder / "made.onnx"),
        "to_keras": lambda gru: exchange.to_keras(gru, folder / "made.keras"),
        "to_weights": lambda gru: exchange.to_weights(gru, framework),
        "from_onnx": lambda _none: exchange.from_onnx(onnx),
        "from_keras": lambda _none: exchange.from_keras(keras),
        "from_weights": lambda tree: exchange.from_weights(tree, framework),
    }
    own: dict[str, Callable[[], Any]] = {"weights": partial(_read, weights), "nothing": _nothing}
    starts = own.get(_BESIDE.get(part, part), partial(_module, sizes))
    return starts, runs.get(way, lambda held: held)


def _nothing() -> None:
    """All that is needed lies on the disk."""


def _module(sizes: tuple[int, int, int]) -> Any:
    import torch

    layers, I, H = sizes
    return torch.nn.GRU(I, H, num_layers=layers)


def _written(gru: Any, onnx: Path, keras: Path, weights: Path) -> None:
    from gruta.exchange import to_keras, to_onnx, to_weights
    from gruta.exchange.weights.record import flat

    to_onnx(gru, onnx)
    to_keras(gru, keras)
    np.savez(weights, **flat(to_weights(gru, "flax.linen").weights))


def _read(path: Path) -> Mapping[str, Any]:
    tree: dict[str, Any] = {}
    with np.load(path) as kept:
        for name in kept.files:
            *places, last = name.split("/")
            own = tree
            for place in places:
                own = own.setdefault(place, {})
            own[last] = kept[name]
    return tree


def _written_and_run_twice(gru: Any, path: Path, sizes: tuple[int, int, int]) -> None:
    from gruta.exchange.doors import engine
    from gruta.exchange.onnx.write import pieces
    from gruta.exchange.proof import SIZES
    from gruta.exchange.torch_layers import from_torch

    layers, I, H = sizes
    with path.open("wb") as file:
        file.writelines(pieces(from_torch(gru, share=True)))
    run, _by = engine(path)
    for T, B in SIZES * 2:
        x, h_0 = np.zeros((T, B, I), np.float32), np.zeros((layers, B, H), np.float32)
        run({"x": x, "h_0": h_0})


if __name__ == "__main__":
    sys.exit(main())
