from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

Sizes = tuple[int, int, int, int, int]
Fields = tuple[Any, ...]  # addresses, or tensors of PyTorch's

def isa() -> str: ...
def activations() -> str: ...
def cell_facts() -> dict[str, tuple[int, int, int]]: ...
def saved_size(cell: str, is_double: bool, H: int, normed: bool, halved: bool = False) -> int: ...
def layer_forward(
    cell: str,
    is_double: bool,
    sizes: Sizes,
    weights: list[Fields],
    passes: list[Fields],
    held: float,
    threads: int,
    keep: bool = False,
    halved: bool = False,
) -> None: ...
def layer_backward(
    cell: str,
    is_double: bool,
    sizes: Sizes,
    weights: list[Fields],
    passes: list[Fields],
    gradients: list[Fields],
    threads: int,
    halved: bool = False,
) -> None: ...
def layer_plan(cell: str, sizes: Sizes, directions: int, threads: int) -> tuple[int, int, bool]: ...
def meet_torch(
    tensor: Any, parameter: Any, empty_like: Any, is_grad_enabled: Any, obstacles: tuple[Any, ...]
) -> bool: ...
def torch_layer(
    cell: str,
    x: Any,
    hx: Any,
    module: Any,
    names: tuple[str | None, ...],
    I: int,
    H: int,
    P: int,
    batch_first: bool,
    threads: int,
) -> tuple[Any, Any] | None: ...
def torch_forward(
    cell: str, tensors: tuple[Any, ...], batch_first: bool, threads: int
) -> tuple[Any, ...]: ...
def torch_backward(
    cell: str,
    saved: tuple[Any, ...],
    d_outputs: tuple[Any, ...],
    needs: tuple[bool, ...],
    batch_first: bool,
    threads: int,
) -> tuple[Any, ...] | None: ...
def torch_step(cell: str, x: Any, state: Any, parameters: dict[str, Any], threads: int) -> Any: ...
def fma_rounds(rounds: int) -> int: ...
def stream_rounds(bytes: int, rounds: int) -> int: ...

class PackedF32:
    def __init__(
        self, cell: str, sizes: Sizes, weights: Fields, storage: str, threads: int
    ) -> None: ...
    def step(self, x: NDArray[Any], h: NDArray[Any], c: NDArray[Any] | None = None) -> None: ...
    def sequence(self, sizes: Sizes, fields: Fields, threads: int) -> None: ...

class PackedF64(PackedF32): ...

class LookupF32:
    def __init__(self, packed: PackedF32, table: NDArray[Any]) -> None: ...
    def step(self, rows: NDArray[Any], h: NDArray[Any], c: NDArray[Any] | None = None) -> None: ...

class LookupF64(LookupF32): ...

class LanguageModel:
    def __init__(
        self,
        first: LookupF32,
        others: list[PackedF32],
        weight: NDArray[Any],
        bias: NDArray[Any],
        storage: str,
    ) -> None: ...
    def count(self, orders: Sequence[tuple[NDArray[Any], ...]], share: float) -> None: ...
    def write(
        self,
        states: list[tuple[NDArray[Any], ...]],
        logits: NDArray[Any],
        uniform: NDArray[Any],
        said: NDArray[Any] | None,
        places: NDArray[Any] | None,
        how: tuple[Any, ...],
        units: NDArray[Any],
    ) -> None: ...
