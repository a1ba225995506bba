"""OpenVINO on the CPU, forward only, from the same ONNX models."""

from itertools import cycle
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from gruta.bench.cases import Case
from gruta.bench.inputs import Inputs
from gruta.bench.rivals import Job
from gruta.bench.rivals.onnx_model import model

PRECISION = {"float32": "f32", "bfloat16": "bf16"}


def start(threads: int) -> "OpenVINO":
    """The threads are set for each compiled model."""
    return OpenVINO(threads)


class OpenVINO:
    """A compiled model and one infer request a case."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._core = ov.Core()

    def about(self) -> dict[str, str]:
        """The version, and what the CPU plug-in can compute in."""
        able = self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        return {"version": ov.__version__.partition("-")[0], "capabilities": " ".join(able)}

    def variants(self, case: Case, slow: bool) -> tuple[str, ...]:
        """Inference in float32; beside 16-bit weights in bfloat16 too."""
        if case.trains:
            return ()
        return ("float32", "bfloat16") if case.regime == "half" else ("float32",)

    def prepare(self, case: Case, inputs: Inputs, variant: str) -> Job:
        """A request on the cell's model, compiled for one answer as soon as may be."""
        settings = {
            "INFERENCE_NUM_THREADS": self._threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": PRECISION[variant],
        }
        read = self._core.read_model(model(case, inputs))
        compiled = self._core.compile_model(read, "CPU", settings)
        request = compiled.create_infer_request()
        initial = [s[None] for s in inputs.states]
        ins = [request.get_input_tensor(i).data for i in range(1 + len(initial))]
        outs = [request.get_output_tensor(i).data for i in range(1 + len(initial))]
        if case.regime == "step":
            return _step(request, inputs, initial, ins, outs)
        for tensor, array in zip(ins, (inputs.x, *initial), strict=True):
            tensor[...] = array

        def call() -> Any:
            request.infer(share_outputs=True)
            return outs

        def results() -> dict[str, NDArray[Any]]:
            out, *finals = call()
            named = zip(("h_n", "c_n"), (s[0] for s in finals), strict=False)
            return {"h": out[:, 0], **dict(named)}

        return Job(call, results)


def _step(
    request: Any,
    inputs: Inputs,
    initial: list[NDArray[Any]],
    ins: list[NDArray[Any]],
    outs: list[NDArray[Any]],
) -> Job:
    """One step a call; the arrays are views of the request's own memory."""
    rows = list(inputs.x[:, None])  # each [1, B, I]
    endless = cycle(rows)

    def step() -> NDArray[Any]:
        ins[0][...] = next(endless)
        request.infer(share_outputs=True)
        for before, after in zip(ins[1:], outs[1:], strict=True):
            before[...] = after
        return outs[1]

    def results() -> dict[str, NDArray[Any]]:
        nonlocal endless
        endless = cycle(rows)
        for state, array in zip(ins[1:], initial, strict=True):
            state[...] = array
        return {"h": np.concatenate([step().copy() for _ in rows])}

    return Job(step, results)
