"""A network as a page computes it: its recurrent layers, what they read, and what reads them."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Kind = Literal["bytes", "characters", "words", "subwords"]

LONGEST = 400
"""Steps of a sample at most."""


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


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The units of a text: units[k], as it is written, has the number first + k.

    unknown: the number of all others. before, after: what a text is read after, and what behind it,
    if anything. lower: whether letters are made small. read: a text's numbers `[T]`, with those
    two, and what stands at each step as people see it.
    """

    kind: Kind
    units: Sequence[str]
    read: Callable[[str], tuple[NDArray[np.integer], Sequence[str]]]
    first: int = 1
    unknown: int = 0
    before: int | None = None
    after: int | None = None
    lower: bool = False


@dataclass(frozen=True, eq=False)
class Recording:
    """What a sequence was heard in, to be seen and listened to: a step lasts `step` seconds.

    bands: its spectrum `[T, bands]`, the lowest first, 0 to 255. wav: a file that begins with the
    first step.
    """

    bands: NDArray[np.uint8]
    wav: bytes
    step: float


@dataclass(frozen=True, eq=False)
class Sample:
    """A sequence that the network reads: a text, or what layer 0 reads of it `[T, I]`, and what
    stands at each step.

    title: asked for in the language in use. recording: where it is one that can be heard.
    """

    title: Callable[[], str]
    text: str = ""
    x: Array | None = None
    labels: Sequence[str] = ()
    recording: Recording | None = None


@dataclass(frozen=True, eq=False)
class Portrait:
    """The layers from the lowest up, each forward and then, where it reads both ways, in reverse.

    embedding: `[V, I]`, where layer 0 reads units of a text, one a step. output: None where
    something else than one linear layer reads the last h; answers: what its numbers are called,
    where they are not units. columns: asked what the numbers are called that layer 0 reads, in the
    language in use.
    """

    cell: str
    layers: Sequence[Layer]
    embedding: Array | None = None
    output: Linear | None = None
    vocabulary: Vocabulary | None = None
    columns: Callable[[], Sequence[str]] = tuple
    answers: Sequence[str] = ()
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
    ends = (f"_l{k}{side}" for k in itertools.count() for side in ("", "_reverse"))
    for end in ends:
        w_ih = weights.get(f"{start}weight_ih{end}")
        if w_ih is not None:
            w_hh = weights[f"{start}weight_hh{end}"]
            b_ih, b_hh = (weights.get(f"{start}bias_{side}{end}") for side in ("ih", "hh"))
            own = f"{name} {end[1:]}".strip()
            found.append(Layer(own, w_ih, w_hh, b_ih, b_hh, end.endswith("_reverse")))
        elif not end.endswith("_reverse"):
            break
    return found
