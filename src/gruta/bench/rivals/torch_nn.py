"""torch.nn's layers: as they are, compiled, or in bfloat16."""

from collections.abc import Callable, Mapping
from itertools import cycle
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gruta.bench.cases import Case
from gruta.bench.inputs import Inputs
from gruta.bench.rivals import Job

PARAMETERS = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
GRADIENTS = ("d_w_ih", "d_w_hh", "d_b_ih", "d_b_hh")


def start(threads: int) -> "TorchNN":
    """Set the threads, for good."""
    set_threads(threads)
    return TorchNN()


def set_threads(threads: int) -> None:
    """Within an operation; torch runs no two operations of these cases at once."""
    torch.set_num_threads(threads)
    if torch.get_num_interop_threads() != 1:
        torch.set_num_interop_threads(1)


class TorchNN:
    """torch.nn.GRU, LSTM and RNN."""

    def about(self) -> dict[str, str]:
        """The version, and the instruction set that torch found."""
        return {
            "version": torch.__version__,
            "instruction set": torch.backends.cpu.get_cpu_capability(),
        }

    def variants(self, case: Case, slow: bool) -> tuple[str, ...]:
        """torch.compile unrolls the loop over time, which takes it minutes."""
        if case.regime == "half":
            return "eager", "bfloat16"
        return ("eager", "compile") if slow and case.regime != "memory" else ("eager",)

    def prepare(self, case: Case, inputs: Inputs, variant: str) -> Job:
        """A layer with the weights of `inputs`."""
        shape = {"num_layers": case.layers, "bidirectional": case.directions == 2}
        layer = filled(getattr(nn, case.cell.upper())(case.I, case.H, **shape), inputs)
        dtype = torch.bfloat16 if variant == "bfloat16" else torch.float32
        layer = layer.to(dtype)
        run: Callable[..., Any] = layer
        if variant == "compile":
            torch._dynamo.config.allow_rnn = True
            run = torch.compile(layer, dynamic=False)
        if case.regime == "step":
            return step_job(run, inputs)
        return layer_job(run, tuple(layer.parameters()), inputs, dtype)


def filled(layer: nn.Module, inputs: Inputs) -> nn.Module:
    """`layer` with the weights of `inputs`."""
    with torch.no_grad():
        if inputs.passes:  # torch.nn has them in the same order
            every = (weight for parts in inputs.passes for weight in parts)
            for own, weight in zip(layer.parameters(), every, strict=True):
                own.copy_(torch.from_numpy(weight))
            return layer
        for name, weight in zip(PARAMETERS, inputs.weights, strict=True):
            getattr(layer, name).copy_(torch.from_numpy(weight))
    return layer


def layer_job(
    run: Callable[..., Any],
    parameters: tuple[Tensor, ...],
    inputs: Inputs,
    dtype: torch.dtype = torch.float32,
) -> Job:
    """A layer over a sequence: inference, or training where `inputs` has a gradient."""
    x = torch.from_numpy(inputs.x).to(dtype)
    states = tuple(torch.from_numpy(s).to(dtype)[None] for s in inputs.states)
    hx = (states if len(states) == 2 else states[0]) if states else None

    def infer() -> Any:
        with torch.inference_mode():
            return run(x, hx)

    def inferred() -> dict[str, NDArray[Any]]:
        out, final = infer()
        finals = final if isinstance(final, tuple) else (final,)
        kept = finals if states else ()
        named = {"h": out, **{n: s[0] for n, s in zip(("h_n", "c_n"), kept, strict=False)}}
        return {name: _array(tensor) for name, tensor in named.items()}

    if inputs.dh is None:
        return Job(infer, inferred)
    dh = torch.from_numpy(inputs.dh)
    leaves = (x.requires_grad_(), *parameters)

    def train() -> Tensor:
        for leaf in leaves:
            leaf.grad = None
        out: Tensor = run(x, hx)[0]
        out.backward(dh)  # type: ignore[no-untyped-call]
        return out

    def trained() -> Mapping[str, NDArray[Any]]:
        found = {"h": _array(train())}
        for name, leaf in zip(("d_x", *GRADIENTS), leaves, strict=True):
            if leaf.grad is not None:
                found[name] = _array(leaf.grad)
        return found

    return Job(train, trained)


def step_job(run: Callable[..., Any], inputs: Inputs) -> Job:
    """One step a call, NumPy in and NumPy out; the state stays a tensor in between."""
    rows = list(inputs.x[:, None])  # each [1, B, I]
    states = tuple(torch.from_numpy(s)[None] for s in inputs.states)
    first = states if len(states) == 2 else states[0]
    hx, endless = first, cycle(rows)

    def step() -> Any:
        nonlocal hx
        with torch.inference_mode():
            out, hx = run(torch.from_numpy(next(endless)), hx)
            return out.numpy()

    def results() -> dict[str, NDArray[Any]]:
        nonlocal hx, endless
        hx, endless = first, cycle(rows)
        return {"h": _stacked(step, len(rows))}

    return Job(step, results)


def _stacked(step: Callable[[], Any], count: int) -> NDArray[Any]:
    return np.concatenate([step().copy() for _ in range(count)])


def _array(tensor: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = tensor.detach().float().numpy()
    return array
