"""The same server with ONNX Runtime behind it: a call for each stream.

Frames, queues, ticks and what reads the last h are the same; the layer alone is another's.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from gruta.bench.cases import Case
from gruta.bench.inputs import Inputs
from gruta.bench.rivals.onnx_model import model as onnx_model
from gruta.runtime import file
from gruta.serve.load.models import CHANNELS
from gruta.serve.models import Models, Slot, Version
from gruta.serve.server import serve
from gruta.serve.settings import ServeSettings
from gruta.settings import resolve
from gruta.tasks.classify.head import DOOR
from gruta.tasks.classify.model import ClassifyModel, ClassifyStream
from gruta.tasks.served import served


class OneByOne(ClassifyModel):
    """A classifier of one GRU that reads its last state, computed by ONNX Runtime."""

    def __init__(self, contents: file.Contents) -> None:
        super().__init__(contents, DOOR)
        weights, hidden = contents.network, self.settings.hidden
        w_ih, w_hh, b_ih, b_hh = (
            weights[f"layer.{name}_l0"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        x, h_0 = np.zeros((1, 1, CHANNELS), np.float32), np.zeros((1, hidden), np.float32)
        inputs = Inputs(x, h_0, None, w_ih, w_hh, b_ih, b_hh, None)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            onnx_model(Case("gru", "step", 1, 1, CHANNELS, hidden), inputs),
            options,
            providers=["CPUExecutionProvider"],
        )

    def _advance(self, ready: list[ClassifyStream]) -> None:
        for one in ready:
            for row in one.coming:
                fed: dict[str, Any] = {"X": row[None, None], "h_0": one.read.state[0][:, None]}
                (h,) = self._session.run(["h_n"], fed)
                one.read = one.read._replace(state=(h[:, 0],), weight=one.read.weight + 1)
            one.steps += len(one.coming)
            one.coming = one.coming[:0]


def main(path: str, budget: str) -> None:
    """Serve a model file in this way, at a free port."""
    model = OneByOne(file.load(Path(path)))
    slot = Slot("plant", Path(path), Version(model, served(model)), (0, 0, 0))
    settings = resolve(ServeSettings, {"port": 0, "budget_ms": float(budget), "reload": False})
    serve(Models([slot]), settings, lambda told: print(told, flush=True))  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
