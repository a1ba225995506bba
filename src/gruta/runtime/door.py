"""What a task says of its model files, so that writing and reading them is written once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from numpy.typing import NDArray

from gruta.runtime.file import Contents

Tensors = Mapping[str, NDArray[Any]]


class CodecReader(Protocol):
    """Reads what a codec's `to_json` gave."""

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Any:
        """InputError for anything else."""


C = TypeVar("C")
Known_co = TypeVar("Known_co", covariant=True)


class Parts(Protocol[Known_co]):
    """What a head is made of, be it a run's or a model file's.

    settings: by attribute, at least those of the door's architecture. counted: what was counted
    beside the network. inner: a model that is asked beside it, if any is.
    """

    @property
    def codec(self) -> Known_co:
        """What leads from data to numbers and back."""

    @property
    def settings(self) -> Any:
        """What the network was built by."""

    @property
    def weights(self) -> Tensors:
        """By PyTorch's names."""

    @property
    def counted(self) -> Tensors:
        """By the names of whatever counted."""

    @property
    def inner(self) -> Contents | None:
        """As a model file has it."""


class Asked(Protocol[Known_co]):
    """A trained network that can be asked, be it a run's or a model file's."""

    @property
    def codec(self) -> Known_co:
        """What leads from data to numbers and back."""

    @property
    def settings(self) -> Any:
        """What the network was built by."""

    @property
    def head(self) -> Any:
        """The network on NumPy arrays."""


@dataclass(frozen=True)
class Door(Generic[C]):
    """What a task's head module calls DOOR.

    codec: reads codec.json. architecture: a frozen dataclass of the settings that the head and its
    answers go by; nothing else of the settings is written into a model file. head: makes the head;
    ValueError if the parts do not fit together. units: what goes in and what comes out, for people.
    exact: beginnings of the names of weights that are never rounded, as they were computed, not
    learned. limit: InputError or ValueError for a codec, as JSON has it, that would take more
    memory than its size tells.
    """

    codec: type[CodecReader]
    architecture: type[Any]
    head: Callable[[Parts[C]], Any]
    units: Callable[[C], Mapping[str, str]]
    exact: tuple[str, ...] = ()
    limit: Callable[[Mapping[str, Any]], None] = lambda content: None
