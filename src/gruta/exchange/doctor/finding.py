"""What a file's recurrent layers are, whatever its format."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Form = Literal["after", "before", ""]
Start = Literal["given", "constant", "zeros", "untold"]


@dataclass(frozen=True)
class Recurrent:
    """A GRU, LSTM or RNN of a file.

    inputs, hidden: I and H, 0 where the file does not tell. reset: of a GRU, whether its reset gate
    acts after the recurrent product or before. activations: by name, as the file has them. initial:
    where the first state comes from, "untold" where the file does not say. lengths: whether rows
    have lengths. final: whether something reads the last state. free_batch, free_time: whether
    those axes have no fixed size. fixed_time: T, where it has. precision: of the weights. looped:
    whether it stands in a loop's body. turned_beside: whether its input is read with its first two
    axes changed by another node too. refused: what makes it no operator of the standard.
    """

    name: str
    cell: str
    inputs: int
    hidden: int
    direction: Literal["forward", "reverse", "bidirectional"] = "forward"
    reset: Form = ""
    activations: tuple[str, ...] = ()
    plain_activations: bool = True
    clip: float | None = None
    input_forget: bool = False
    peepholes: bool = False
    layout: int = 0
    bias: bool = True
    lengths: bool = False
    initial: Start = "zeros"
    final: bool = False
    free_batch: bool = False
    free_time: bool = False
    fixed_time: int | None = None
    precision: str = "float32"
    looped: bool = False
    turned_beside: bool = False
    refused: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """All of it: the layers, and what the file declares and does not keep.

    format: onnx, keras, keras_weights, safetensors, ncnn, openvino or tflite. doubts: sentences,
    each with what to do.
    """

    path: str
    format: str
    layers: Sequence[Recurrent]
    doubts: Sequence[str] = ()
    notes: Sequence[str] = field(default_factory=tuple)

    def to_json(self) -> dict[str, Any]:
        """As a program reads it."""
        return asdict(self)
