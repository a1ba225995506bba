"""The weights of several networks as those of one."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from gruta.runtime.weights import Weights, small_of


def joined(members: Mapping[str, Mapping[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """The weights of all, by name; `of_member` takes them apart."""
    return {f"{name}/{w}": array for name, own in members.items() for w, array in own.items()}


def of_member(name: str, weights: Mapping[str, NDArray[Any]]) -> Weights:
    """Those that `joined` has put under this name."""
    place = f"{name}/"
    own = [k for k in weights if k.startswith(place)]
    small = {
        k.removeprefix(place): how for k, how in small_of(weights).items() if k.startswith(place)
    }
    return Weights({k.removeprefix(place): weights[k] for k in own}, small)
