"""How weights are stored, and how they compute: in single precision, but for products of recurrent
layers with int8, which are of whole numbers. Large ones in float16 are kept so in memory as well.

Matrices are rounded where that is asked for; vectors, which weigh little, stay as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from gruta.cells.integers import weights_to_whole
from gruta.locale import translate as _

Kind = Literal["float32", "float16", "bfloat16", "int8"]
KINDS: tuple[Kind, ...] = get_args(Kind)

SCALE = ".scale_of_int8"
"""Behind the name of a matrix of int8: that of its scales, one an output row."""

_LARGEST_HALF = 65504.0
_LARGEST_INT8 = 127

Small = Literal["int8", "float16"]
_SMALL: dict[str, Small] = {"I8": "int8", "F16": "float16"}

_LARGE = 2**19
"""Numbers of a layer's matrices, 2 MB in single precision: from so many on float16 is faster."""


@dataclass(frozen=True, eq=False)
class Stored:
    """An array as a file has it. dtype: by its name there; of BF16 the array holds the bits."""

    dtype: str
    array: NDArray[Any]


_NAMES = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint64": "U64",
    "uint32": "U32",
    "uint16": "U16",
    "uint8": "U8",
}


class Weights(dict[str, NDArray[np.float32]]):
    """Of a network, by name, in single precision. small: of those that take less than their numbers
    show, how: "int8", whole numbers, each row times a scale, or "float16".
    """

    def __init__(
        self, weights: Mapping[str, NDArray[np.float32]], small: Mapping[str, Small] | None = None
    ) -> None:
        super().__init__(weights)
        self.small = dict(small or {})

    def copy(self) -> "Weights":
        """The same, apart."""
        return Weights(self, self.small)

    __copy__ = copy

    def __or__(self, other: Any) -> Any:
        """With others, which come in place of those of their names."""
        return _together(self, other)

    def __ror__(self, other: Any) -> Any:
        """Others with these, which come in place of those of their names."""
        return _together(other, self)

    def __ior__(self, other: Any) -> Any:
        """These with others: how they are stored follows."""
        self.small = _together(self, dict(other)).small
        self.update(other)
        return self


def _together(first: Any, second: Any) -> Any:
    """Both, of a name the second's; small are those that are so where they come from."""
    if not (isinstance(first, Mapping) and isinstance(second, Mapping)):
        return NotImplemented
    before = {name: how for name, how in small_of(first).items() if name not in second}
    return Weights({**first, **second}, before | small_of(second))


def small_of(weights: Mapping[str, NDArray[np.float32]]) -> dict[str, Small]:
    """How those are stored that take less than their numbers show."""
    return weights.small if isinstance(weights, Weights) else {}


def storage_of(weights: Mapping[str, NDArray[np.float32]], *names: str) -> Small | None:
    """How a layer is to keep these matrices: in whole numbers where they are those, in float16
    where they are that and so many that they leave the cache; converting takes time too.
    """
    first, *others = (small_of(weights).get(name) for name in names)
    if first is None or any(other != first for other in others):
        return None
    count = sum(weights[name].size for name in names)
    return first if first == "int8" or count >= _LARGE else None


def like(
    weights: Mapping[str, NDArray[np.float32]], other: Mapping[str, NDArray[np.float32]]
) -> Weights:
    """Others, stored as those of `weights` are by the same name."""
    return Weights(other, {name: how for name, how in small_of(weights).items() if name in other})


def plain(array: NDArray[Any]) -> Stored:
    """An array as it is."""
    return Stored(_NAMES[array.dtype.name], array)


def as_stored(
    weights: Mapping[str, NDArray[np.float32]], kind: Kind, exact: Sequence[str] = ()
) -> dict[str, Stored]:
    """Weights with their matrices in this kind, but those whose names begin with one of `exact`.

    A matrix that float16 cannot hold stays in float32.
    """
    found: dict[str, Stored] = {}
    for name, weight in weights.items():
        whole = weight.ndim < 2 or name.rpartition("/")[2].startswith(tuple(exact))
        if kind == "float32" or whole or not weight.size:
            found[name] = plain(weight)
        elif kind == "int8":
            found[name], found[name + SCALE] = _in_bytes(weight)
        elif kind == "bfloat16":
            found[name] = Stored("BF16", _upper_half(weight))
        else:
            fits = np.abs(weight).max() <= _LARGEST_HALF
            found[name] = plain(weight.astype(np.float16) if fits else weight)
    return found


def float32(stored: Mapping[str, Stored]) -> Weights:
    """What `as_stored` made of weights, as they compute; ValueError for what is none of it, or no
    finite number.
    """
    found: dict[str, NDArray[np.float32]] = {}
    for name, one in stored.items():
        if name.endswith(SCALE) and name.removesuffix(SCALE) in stored:
            continue
        array = one.array
        if one.dtype == "I8":
            scale = stored.get(name + SCALE)
            if scale is None or scale.array.shape != array.shape[:1] or scale.dtype != "F32":
                problem = _("{name}: expected a scale in float32 for each row of int8")
                raise ValueError(problem.format(name=name))
            rows = scale.array.reshape(-1, *[1] * (array.ndim - 1))
            array = array.astype(np.float32) * rows
        elif one.dtype == "BF16":
            array = (array.astype(np.uint32) << 16).view(np.float32)
        elif one.dtype not in ("F64", "F32", "F16"):
            problem = _("{name}: expected weights in floating point or int8, found {dtype}")
            raise ValueError(problem.format(name=name, dtype=one.dtype))
        if not np.isfinite(array).all():
            raise ValueError(_("{name}: expected finite numbers").format(name=name))
        found[name] = np.ascontiguousarray(array, np.float32)
    return Weights(
        found, {n: _SMALL[one.dtype] for n, one in stored.items() if one.dtype in _SMALL}
    )


def _in_bytes(weight: NDArray[np.float32]) -> tuple[Stored, Stored]:
    """Whole numbers from -127 to 127, and of each row what they are to be multiplied by."""
    whole = weights_to_whole(weight.reshape(len(weight), -1))
    return plain(whole.numbers.reshape(weight.shape)), plain(whole.scale[:, 0])


def off_scale(numbers: NDArray[np.int8]) -> int | None:
    """The first row of a matrix of int8 whose largest |q| is neither 127 nor 0, as no row has that
    its own largest was the scale of; None without.
    """
    if not numbers.size:
        return None
    rows = numbers.reshape(len(numbers), -1).astype(np.int16)
    largest = np.abs(rows).max(1, initial=0)
    found = np.flatnonzero((largest != _LARGEST_INT8) & (largest != 0))
    return int(found[0]) if found.size else None


def _upper_half(weight: NDArray[np.float32]) -> NDArray[np.uint16]:
    """The bits of bfloat16, to the nearest number and ties to even; weights are finite."""
    bits = np.ascontiguousarray(weight).view(np.uint32)
    return ((bits + (np.uint32(0x7FFF) + (bits >> 16 & 1))) >> 16).astype(np.uint16)
