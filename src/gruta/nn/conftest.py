"""The layers under test, each beside its torch.nn namesake, and what the tests here share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

import gruta.nn

TOLERANCE = {
    torch.float64: {"rtol": 1e-10, "atol": 1e-11},
    torch.float32: {"rtol": 1e-4, "atol": 1e-5},
    torch.bfloat16: {"rtol": 0, "atol": 3e-2},
    torch.float16: {"rtol": 0, "atol": 3e-3},
}
"""How far a result of this dtype may lie from the same result computed another way."""


@dataclass(frozen=True)
class Kind:
    """A layer of gruta, torch's layer of the same name, and the arguments that pick the variant."""

    id: str
    ours: type[nn.Module]
    theirs: type[nn.RNNBase]
    arguments: dict[str, Any] = field(default_factory=dict)

    @property
    def states(self) -> int:
        """How many states are carried from step to step."""
        return len(self.ours.state_names)

    def make(self, *sizes: int, **options: Any) -> Any:
        return self.ours(*sizes, **self.arguments, **options)

    def twins(self, *sizes: int, **options: Any) -> tuple[Any, nn.RNNBase]:
        """gruta's layer and torch's, with the same weights."""
        theirs = self.theirs(*sizes, **self.arguments, **options)
        ours = self.make(*sizes, **options)
        ours.load_state_dict(theirs.state_dict())
        return ours, theirs

    def initial(self, layer: Any, B: int | None, dtype: torch.dtype) -> tuple[Tensor, ...]:
        """Random initial states for a batch of B, or for an unbatched input (None)."""
        rows = layer.num_layers * (2 if layer.bidirectional else 1)
        sizes = (layer.proj_size or layer.hidden_size, layer.hidden_size)[: self.states]
        batch = () if B is None else (B,)
        return tuple(torch.randn(rows, *batch, size, dtype=dtype) for size in sizes)

    def given(self, states: Sequence[Tensor]) -> Any:
        """The states as the layer takes and returns them."""
        return tuple(states) if self.states == 2 else states[0]

    def tensors(self, state: Any) -> tuple[Tensor, ...]:
        """The tensors of a state that the layer returned."""
        return state if self.states == 2 else (state,)

    def results(
        self,
        layer: nn.Module,
        x: Tensor,
        initial: Sequence[Tensor] = (),
        feed: Callable[[Tensor], Any] = lambda x: x,
        **options: Any,
    ) -> dict[str, Tensor]:
        """Output, final states, and the gradient of a random loss by every leaf, named.

        `feed` makes the layer's input from x.
        """
        leaves = {"x": x} | {f"initial_{k}": state for k, state in enumerate(initial)}
        leaves = {name: t.detach().clone().requires_grad_() for name, t in leaves.items()}
        states = [leaves[f"initial_{k}"] for k in range(len(initial))]
        hx = self.given(states) if initial else None
        out, state = layer(feed(leaves["x"]), hx, **options)
        outputs = [out[0] if isinstance(out, PackedSequence) else out, *self.tensors(state)]
        generator = torch.Generator().manual_seed(1)
        upstream = [torch.randn(o.shape, generator=generator, dtype=o.dtype) for o in outputs]
        leaves |= dict(layer.named_parameters())
        found = torch.autograd.grad(outputs, list(leaves.values()), upstream)
        named = {f"output_{k}": o.detach() for k, o in enumerate(outputs)}
        return named | {f"d_{name}": d for name, d in zip(leaves, found, strict=True)}


KINDS = [
    Kind("rnn-tanh", gruta.nn.RNN, nn.RNN),
    Kind("rnn-relu", gruta.nn.RNN, nn.RNN, {"nonlinearity": "relu"}),
    Kind("lstm", gruta.nn.LSTM, nn.LSTM),
    Kind("lstm-projected", gruta.nn.LSTM, nn.LSTM, {"proj_size": 2}),
    Kind("gru", gruta.nn.GRU, nn.GRU),
]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.id, scope="session")
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.param


@pytest.fixture(scope="session", params=[torch.float32, torch.float64], ids=["f32", "f64"])
def dtype(request: pytest.FixtureRequest) -> torch.dtype:
    return request.param


@pytest.fixture(scope="session")
def assert_close() -> Callable[[Any, Any], None]:
    """Equal in structure, shape and dtype, and in value within `TOLERANCE`."""

    def check(actual: Any, expected: Any) -> None:
        if isinstance(actual, dict):
            assert list(actual) == list(expected)
            actual, expected = actual.values(), expected.values()
        if not isinstance(actual, Tensor):
            for a, e in zip(actual, expected, strict=True):
                check(a, e)
            return
        torch.testing.assert_close(actual, expected, **TOLERANCE[actual.dtype])

    return check


@pytest.fixture(autouse=True)
def _same_numbers_every_run() -> None:
    torch.manual_seed(0)
