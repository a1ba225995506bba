from typing import Any

from numpy.typing import NDArray

def isa() -> str: ...
def gru_sequence(
    x: NDArray[Any],
    h_0: NDArray[Any],
    w_ih: NDArray[Any],
    w_hh: NDArray[Any],
    b_ih: NDArray[Any] | None,
    b_hh: NDArray[Any] | None,
    lengths: NDArray[Any] | None,
    reverse: bool,
    reset_after: bool,
    h: NDArray[Any],
    h_n: NDArray[Any],
    gates: NDArray[Any] | None,
) -> None: ...

class GruStepF32:
    def __init__(
        self,
        w_ih: NDArray[Any],
        w_hh: NDArray[Any],
        b_ih: NDArray[Any] | None,
        b_hh: NDArray[Any] | None,
        reset_after: bool,
    ) -> None: ...
    def step(self, x: NDArray[Any], h: NDArray[Any]) -> None: ...

class GruStepF64:
    def __init__(
        self,
        w_ih: NDArray[Any],
        w_hh: NDArray[Any],
        b_ih: NDArray[Any] | None,
        b_hh: NDArray[Any] | None,
        reset_after: bool,
    ) -> None: ...
    def step(self, x: NDArray[Any], h: NDArray[Any]) -> None: ...
