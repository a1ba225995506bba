"""A network as a page computes it: its recurrent layers, what they read, and what reads them."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Kind = Literal["bytes", "characters", "words", "subwords"]


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer in one direction, its weights as torch.nn has them; biases may be None."""

    name: str
    w_ih: Array
    w_hh: Array
    b_ih: Array | None = None
    b_hh: Array | None = None
    reverse: bool = False

    @property
    def hidden(self) -> int:
        """H."""
        return int(self.w_hh.shape[1])

    @property
    def inputs(self) -> int:
        """I."""
        return int(self.w_ih.shape[1])

    @property
    def size(self) -> int:
        """How many numbers it has."""
        parts = (self.w_ih, self.w_hh, self.b_ih, self.b_hh)
        return sum(w.size for w in parts if w is not None)


@dataclass(frozen=True, eq=False)
class Linear:
    """What reads the last layer's h: `[O, H]` and `[O]`."""

    weight: Array
    bias: Array


@dataclass(frozen=True)
class Vocabulary:
    """The units of a text, as they are written: units[k] has the number k + first.

    unknown: the number of all others.
    """

    kind: Kind
    units: Sequence[str]
    unknown: int = 0
    first: int = 1


@dataclass(frozen=True, eq=False)
class Sample:
    """A sequence to begin with: a text, or what layer 0 reads, `[T, I]`, and each step's label.

    title: in English; the catalogue has its translation.
    """

    title: str
    text: str = ""
    x: Array | None = None
    labels: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class Portrait:
    """The layers from the lowest up, each forward and then, where it reads both ways, in reverse.

    embedding: `[V, I]`, where layer 0 reads units. output: None where something else than one
    linear layer reads the last h. columns: what the numbers are called that layer 0 reads.
    """

    cell: str
    layers: Sequence[Layer]
    embedding: Array | None = None
    output: Linear | None = None
    vocabulary: Vocabulary | None = None
    columns: Sequence[str] = ()
    samples: Sequence[Sample] = ()
    reset_after: bool = True
    nonlinearity: Literal["tanh", "relu"] = "tanh"

    @property
    def hidden(self) -> int:
        """The widest layer's H."""
        return max(layer.hidden for layer in self.layers)

    @property
    def size(self) -> int:
        """How many numbers its weights are."""
        tables = [self.embedding] if self.embedding is not None else []
        tables += [self.output.weight, self.output.bias] if self.output is not None else []
        return sum(layer.size for layer in self.layers) + sum(w.size for w in tables)


def stack(weights: Mapping[str, Array], name: str) -> list[Layer]:
    """The layers of the torch.nn module of this name ("": of all), from the lowest up."""
    found: list[Layer] = []
    start = f"{name}." if name else ""
    for k in itertools.count():
        for end in ("", "_reverse"):
            kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            own = [weights.get(f"{start}{kind}_l{k}{end}") for kind in kinds]
            w_ih, w_hh, *biases = own
            if w_ih is None or w_hh is None:
                if not end:
                    return found
                continue
            found.append(Layer(f"{name} l{k}{end}".strip(), w_ih, w_hh, *biases, bool(end)))
    return found
