"""What a framework computes with weights that are handed to it, kept for the tests.

    python -m gruta.exchange.weights.record flax.linen data/

in an environment that has the framework. TensorFlow.js is run by Node: `--node FOLDER`, which has
@tensorflow/tfjs installed.
"""

import argparse
import json
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from gruta.exchange.layer import GATES, Layer, Side
from gruta.exchange.weights.door import KINDS
from gruta.exchange.weights.framework import Given
from gruta.exchange.weights.known import FRAMEWORKS

_PACKAGES = {
    "flax.linen": "flax",
    "flax.nnx": "flax",
    "haiku": "dm-haiku",
    "paddle": "paddlepaddle",
}
T, B, I, H = 5, 2, 3, 4
LENGTHS = np.array([3, 0])


def drawn(kind: str) -> tuple[Layer, Any, list[Any]]:
    """A layer of this kind, x `[T, B, I]` and states `[B, H]`, always the same."""
    rng, form = np.random.default_rng(0), KINDS[kind]
    G = GATES[form["cell"]]
    shapes = (G * H, I), (G * H, H), (G * H,), (G * H,)
    arrays = [rng.uniform(-1, 1, s).astype(np.float32) for s in shapes]
    x = rng.normal(size=(T, B, I)).astype(np.float32)
    states = [rng.uniform(-1, 1, (B, H)).astype(np.float32) for _s in range(1 + (kind == "lstm"))]
    w_ih, w_hh, b_ih, b_hh = arrays
    return Layer(sides=[Side(w_ih, w_hh, b_ih, b_hh)], **form), x, states


def flat(tree: Any, before: str = "") -> dict[str, Any]:
    """A tree as arrays under names with slashes."""
    if not isinstance(tree, dict):
        return {before: np.ascontiguousarray(tree)}
    found: dict[str, Any] = {}
    for name, own in tree.items():
        found |= flat(own, f"{before}/{name}" if before else name)
    return found


def _by_node(folder: Path, given: Given) -> tuple[list[Any], str]:
    said = {
        "kind": given.kind,
        "weights": [w.tolist() for w in given.tree.values()],
        "x": given.x.swapaxes(0, 1).tolist(),
        "states": [s.tolist() for s in given.states],
        "hidden": H,
    }
    done = subprocess.run(
        ["node", "-e", Path(__file__).with_suffix(".js").read_text()],
        input=json.dumps(said),
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    y, *finals = (np.array(one, np.float32) for one in answer["found"])
    return [y.swapaxes(0, 1), *finals], answer["version"]


def main() -> None:
    """Write FRAMEWORK.npz into a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("framework", choices=FRAMEWORKS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--node", type=Path)
    asked = parser.parse_args()
    own = FRAMEWORKS[asked.framework]
    kept: dict[str, Any] = {}
    for kind in own.kinds:
        layer, x, states = drawn(kind)
        if (lacking := own.no_image(layer)) is not None:
            layer = lacking[1]
        given = Given(kind, own.out(layer, layer.sides[0]), x, states)
        if own.run is None:
            outputs, at = _by_node(asked.node, given)
        else:
            outputs = list(own.run(given))
            if own.lengths:
                short = own.run(given._replace(lengths=LENGTHS))
                kept |= {f"{kind}/short/{k}": np.asarray(one) for k, one in enumerate(short)}
            at = version(_PACKAGES.get(own.name, own.module.split(".")[0]))
        kept |= {f"{kind}/tree/{name}": w for name, w in flat(given.tree).items()}
        kept |= {f"{kind}/found/{k}": np.asarray(one) for k, one in enumerate(outputs)}
        kept["version"] = np.array(at)
    np.savez_compressed(asked.folder / f"{own.name}.npz", **kept)


if __name__ == "__main__":
    main()
