"""The weights of several networks as those of one."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray


def joined(members: Mapping[str, Mapping[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """The weights of all, by name; `of_member` takes them apart."""
    return {f"{name}/{w}": array for name, own in members.items() for w, array in own.items()}


def of_member(name: str, weights: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Those that `joined` has put under this name."""
    place = f"{name}/"
    return {k.removeprefix(place): w for k, w in weights.items() if k.startswith(place)}
