"""The cells under test, one description each, and what their tests share."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from gruta.cells.gru import op as gru
from gruta.cells.gru import reference as gru_reference
from gruta.cells.lstm import op as lstm
from gruta.cells.lstm import reference as lstm_reference
from gruta.cells.op import Cell, Walk
from gruta.cells.rnn import op as rnn
from gruta.cells.rnn import reference as rnn_reference

TOLERANCE = {
    torch.float64: {"rtol": 1e-11, "atol": 1e-12},
    torch.float32: {"rtol": 1e-4, "atol": 1e-5},
    torch.bfloat16: {"rtol": 2e-2, "atol": 3e-2},
}


@dataclass(frozen=True)
class Subject:
    """A cell, its reference, and torch's layer of the same kind where there is one."""

    name: str
    cell: Cell
    forward: Callable[..., Any]
    backward: Callable[..., Any]
    gates: int
    states: int = 1
    projected: bool = False
    autocast: torch.dtype = torch.bfloat16
    layer: Callable[..., torch.nn.RNNBase] | None = None

    def __str__(self) -> str:
        return self.name

    def tensors(
        self,
        T: int,
        B: int,
        I: int,
        H: int,
        dtype: torch.dtype,
        bias: bool = True,
        restart: bool = False,
        norm: bool = False,
        seed: int = 0,
    ) -> tuple[Any, ...]:
        """Random leaves in the op's order, None for what is left out."""
        generator = torch.Generator().manual_seed(seed)

        def leaf(*shape: int, fan_in: int = 1) -> Tensor:
            values = torch.randn(shape, generator=generator, dtype=torch.float64) / fan_in**0.5
            return values.to(dtype).requires_grad_()

        G, P, sizes = self.gates * H, self.width(H), self.sizes(H)
        initial = tuple(leaf(B, size) for size in sizes)
        biases = (leaf(G), leaf(G)) if bias else (None, None)
        weights = (leaf(G, I, fan_in=I), leaf(G, P, fan_in=P), *biases)
        if self.states == 2:
            weights = (*weights, leaf(P, H, fan_in=H) if self.projected else None)
        x = leaf(T, B, I)
        restarts = tuple(leaf(size) if restart else None for size in sizes)
        norms = tuple(leaf(G) if norm else None for _ in range(4))
        return x, *initial, *restarts, *weights, *norms

    def walk(
        self, T: int, B: int, H: int, options: Collection[str], dtype: torch.dtype, seed: int = 0
    ) -> Walk:
        """A walk with these options, drawn at random; `test_options.py` lists their names."""
        generator = torch.Generator().manual_seed(seed)

        def mask(*shape: int) -> Tensor:
            return torch.rand(shape, generator=generator) < 0.4

        held = tuple(mask(T, B, size) for size in self.sizes(H))
        return Walk(
            torch.randint(T + 1, (B,), generator=generator) if "lengths" in options else None,
            "reverse" in options,
            mask(T, B) if "reset" in options else None,
            2 * mask(B, self.width(H)).to(dtype) if "dropout" in options else None,
            held if "hold" in options else 0.3 if "expected hold" in options else 0.0,
        )

    def sizes(self, H: int) -> tuple[int, ...]:
        """The size of each state."""
        return (self.width(H), H)[: self.states]

    def width(self, H: int) -> int:
        """P, the size of h."""
        return (H + 1) // 2 if self.projected else H

    def reference(
        self, walk: Walk, tensors: tuple[Any, ...], d_outputs: tuple[Tensor, ...]
    ) -> tuple[Any, Any]:
        """The trace and the gradients of the NumPy reference."""
        arrays = [None if t is None else t.detach().numpy() for t in tensors]
        S = self.states
        initial, restarts = arrays[1 : 1 + S], arrays[1 + S : 1 + 2 * S]
        weights, norm = arrays[1 + 2 * S : -4], arrays[-4:]
        options: dict[str, Any] = {
            "reverse": walk.reverse,
            "hold": walk.hold,
            "norm": None if norm[0] is None else tuple(norm),
        }
        for name in ("lengths", "reset", "dropout"):
            given = getattr(walk, name)
            options[name] = None if given is None else given.numpy()
        if isinstance(walk.hold, tuple):
            options["hold"] = tuple(held.numpy() for held in walk.hold)
        names = ("restart",) if S == 1 else ("restart_h", "restart_c")
        restarting = dict(zip(names, restarts, strict=True))
        trace = self.forward(arrays[0], *initial, *weights, **restarting, **options)
        d_arrays = [d.numpy() for d in d_outputs]
        without_biases = weights[:2] + weights[4:]
        return trace, self.backward(trace, *d_arrays, arrays[0], *without_biases, **options)


def _gru(name: str, cell: Cell, reset_after: bool) -> Subject:
    return Subject(
        name,
        cell,
        partial(gru_reference.forward, reset_after=reset_after),
        partial(gru_reference.backward, reset_after=reset_after),
        gates=3,
        autocast=torch.float32,
        layer=torch.nn.GRU if reset_after else None,
    )


def _lstm(name: str, projected: bool) -> Subject:
    return Subject(
        name,
        lstm.LSTM,
        lstm_reference.forward,
        lstm_reference.backward,
        gates=4,
        states=2,
        projected=projected,
        layer=torch.nn.LSTM,
    )


def _rnn(name: str, cell: Cell, nonlinearity: rnn.Nonlinearity) -> Subject:
    return Subject(
        name,
        cell,
        partial(rnn_reference.forward, nonlinearity=nonlinearity),
        partial(rnn_reference.backward, nonlinearity=nonlinearity),
        gates=1,
        layer=partial(torch.nn.RNN, nonlinearity=nonlinearity),
    )


SUBJECTS = [
    _gru("gru", gru.RESET_AFTER, reset_after=True),
    _gru("gru-reset-before", gru.RESET_BEFORE, reset_after=False),
    _lstm("lstm", projected=False),
    _lstm("lstm-projected", projected=True),
    _rnn("rnn-tanh", rnn.TANH, "tanh"),
    _rnn("rnn-relu", rnn.RELU, "relu"),
]


@pytest.fixture(params=SUBJECTS, ids=str, scope="session")
def subject(request: pytest.FixtureRequest) -> Subject:
    return request.param


@pytest.fixture(scope="session", params=[torch.float32, torch.float64], ids=["f32", "f64"])
def dtype(request: pytest.FixtureRequest) -> torch.dtype:
    return request.param


@pytest.fixture(scope="module", autouse=True)
def _poisoned_memory() -> Iterator[None]:
    """Memory that torch hands out uninitialised holds NaN, so no test passes by reading it."""
    torch.use_deterministic_algorithms(True)
    assert torch.zeros(1).new_empty(3).isnan().all()
    yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture(scope="session")
def assert_close() -> Callable[[Any, Any], None]:
    """Sequences of arrays equal in length, shape and dtype, and in value within `TOLERANCE`."""

    def check(actual: Iterable[Any], expected: Iterable[Any]) -> None:
        for a, e in zip(actual, expected, strict=True):
            if a is None or e is None:
                assert a is e
                continue
            a, e = torch.as_tensor(a), torch.as_tensor(e)
            torch.testing.assert_close(a, e, **TOLERANCE[a.dtype])

    return check
