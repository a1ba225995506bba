"""ONNX Runtime on its CPU provider, forward only."""

from itertools import cycle
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from gruta.bench.cases import Case
from gruta.bench.inputs import Inputs
from gruta.bench.rivals import QUANTISED, Job
from gruta.bench.rivals.onnx_model import model
from gruta.bench.rivals.onnx_quantised import CELLS, quantised


def start(threads: int) -> "OnnxRuntime":
    """The threads are set in each session."""
    return OnnxRuntime(threads)


class OnnxRuntime:
    """A session a case."""

    def __init__(self, threads: int) -> None:
        self._threads = threads

    def about(self) -> dict[str, str]:
        """The version."""
        return {"version": onnxruntime.__version__}

    def variants(self, case: Case, slow: bool) -> tuple[str, ...]:
        """Inference in float32."""
        return () if case.trains else ("float32",)

    def smaller(self, case: Case) -> tuple[str, ...]:
        """Weights in int8 too, where its own tool makes them."""
        return (QUANTISED,) if case.cell in CELLS.get(case.regime, ()) else ()

    def prepare(self, case: Case, inputs: Inputs, variant: str) -> Job:
        """A session on the cell's model."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        made = quantised(case, inputs) if variant == QUANTISED else model(case, inputs)
        session = onnxruntime.InferenceSession(made, options, providers=["CPUExecutionProvider"])
        fed = {f"{name}_0": s[None] for name, s in zip("hc", inputs.states, strict=False)}
        if case.regime == "step":
            return _step(session, inputs, fed)
        fed["X"] = inputs.x

        def call() -> Any:
            return session.run(None, fed)

        def results() -> dict[str, NDArray[Any]]:
            out, *finals = call()
            named = zip(("h_n", "c_n"), (s[0] for s in finals), strict=False)
            return {"h": out[:, 0], **dict(named)}

        return Job(call, results)


def _step(session: Any, inputs: Inputs, initial: dict[str, NDArray[Any]]) -> Job:
    """One step a call; the final state of one is the initial state of the next."""
    rows = list(inputs.x[:, None])  # each [1, B, I]
    wanted = [f"{name[0]}_n" for name in initial]
    fed, endless = dict(initial), cycle(rows)

    def step() -> Any:
        fed["X"] = next(endless)
        fed.update(zip(initial, session.run(wanted, fed), strict=True))
        return fed["h_0"]

    def results() -> dict[str, NDArray[Any]]:
        nonlocal endless
        endless = cycle(rows)
        fed.update(initial)
        return {"h": np.concatenate([step() for _ in rows])}

    return Job(step, results)
