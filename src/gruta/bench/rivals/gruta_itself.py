"""gruta: its layers for sequences and training, its NumPy object for steps and small weights."""

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta import kernels
from gruta.bench.cases import ROW, STACK, Case
from gruta.bench.inputs import Inputs
from gruta.bench.rivals import QUANTISED, Job

LESS_MEMORY: dict[str, dict[str, Any]] = {
    "halved": {"save": "half"},
    "rebuilt": {"recompute": True},
}


def start(threads: int) -> "Gruta":
    """The layers follow torch's number of threads; the NumPy object is told on each call."""
    return Gruta(threads)


class Gruta:
    """torch is only loaded for the layers."""

    def __init__(self, threads: int) -> None:
        self._threads = threads

    def about(self) -> dict[str, str]:
        """The version and the instruction set of the kernels."""
        import gruta

        isa = kernels.isa() or f"none: {kernels.why_missing()}"
        return {"version": gruta.__version__, "instruction set": isa}

    def variants(self, case: Case, slow: bool) -> tuple[str, ...]:
        """Both 16-bit types; in a training step's memory gates saved and, if any are, in 16 bits
        and rebuilt.
        """
        if case.regime == "half":
            return "float16", "bfloat16"
        if case.regime == "memory":
            return ("saved",) if case.cell == "rnn" else ("saved", "halved", "rebuilt")
        return ("float32",)

    def smaller(self, case: Case) -> tuple[str, ...]:
        """Products of whole numbers, of what the runtime calls."""
        return (QUANTISED,) if case.regime in ("step", ROW, STACK) else ()

    def prepare(self, case: Case, inputs: Inputs, variant: str) -> Job:
        """The object or layer that suits the regime."""
        storage = None if variant == "float32" else variant
        if case.regime == "step":
            taken = {"storage": storage, "threads": self._threads}
            return _step(self._cell(case).Step(*inputs.weights, **taken), inputs)
        if case.regime == STACK:
            return _stack(case, inputs, whole=variant == QUANTISED)
        if case.regime in ("half", ROW):
            return self._sequence(case, inputs, storage)
        return self._layer(case, inputs, variant)

    def _cell(self, case: Case) -> Any:
        return import_module(f"gruta.cells.{case.cell}")

    def _sequence(self, case: Case, inputs: Inputs, storage: str | None) -> Job:
        run = self._cell(case).Step(*inputs.weights, storage=storage).sequence

        def call() -> Any:
            return run(inputs.x, *inputs.states, threads=self._threads)

        def results() -> Mapping[str, NDArray[Any]]:
            return dict(zip(("h", "h_n", "c_n"), call(), strict=False))

        return Job(call, results)

    def _layer(self, case: Case, inputs: Inputs, variant: str) -> Job:
        import torch

        from gruta import nn
        from gruta.bench.rivals.torch_nn import filled, layer_job, set_threads

        set_threads(self._threads)
        options = LESS_MEMORY.get(variant, {})
        layer = nn.CELLS[case.cell](case.I, case.H, **options)
        job = layer_job(filled(layer, inputs), tuple(layer.parameters()), inputs)
        return replace(job, note=str(nn.explain(layer, torch.from_numpy(inputs.x))[0]))


def _stack(case: Case, inputs: Inputs, *, whole: bool) -> Job:
    """As a model's head has it."""
    from gruta.runtime.blocks import Recurrent
    from gruta.runtime.weights import Small, Weights

    weights, matrices = dict[str, NDArray[Any]](), list[str]()
    for k, parts in enumerate(inputs.passes):
        layer, direction = divmod(k, case.directions)
        end = f"l{layer}" + ("_reverse" if direction else "")
        names = [f"layer.{kind}_{end}" for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
        weights |= dict(zip(names, parts, strict=True))
        matrices += names[:2]
    small: dict[str, Small] = dict.fromkeys(matrices, "int8") if whole else {}
    layers = Recurrent(Weights(weights, small), "layer", case.cell)
    return Job(
        lambda: layers.sequence(inputs.x), lambda: {"h": np.asarray(layers.sequence(inputs.x)[0])}
    )


def _step(cell: Any, inputs: Inputs) -> Job:
    """One step a call: the state is brought forward in place."""
    rows = list(inputs.x)  # each [B, I]
    states = tuple(s.copy() for s in inputs.states)
    advance, endless = cell.step, cycle(rows)

    def step_h(h: NDArray[Any] = states[0]) -> None:
        advance(next(endless), h)

    def step_h_and_c() -> None:
        advance(next(endless), *states)

    step = step_h if len(states) == 1 else step_h_and_c

    def results() -> dict[str, NDArray[Any]]:
        nonlocal endless
        endless = cycle(rows)
        for state, initial in zip(states, inputs.states, strict=True):
            state[...] = initial
        found = []
        for _ in rows:
            step()
            found.append(states[0].copy())
        return {"h": np.stack(found)}

    return Job(step, results)
