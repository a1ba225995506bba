"""A trained network from a model file, of whatever task: NumPy and the kernels alone.

A model does not change once it is loaded: several threads may ask it at once, and so may the child
of a fork.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, NoReturn

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runtime import architecture
from gruta.runtime.door import C, Door, Tensors
from gruta.runtime.file import Contents
from gruta.runtime.stream import Stream, restored


@dataclass(frozen=True, eq=False)
class _Parts(Generic[C]):
    """What a head is made of."""

    codec: C
    settings: Any
    weights: Tensors
    counted: Tensors
    inner: Contents | None


class Model(Generic[C]):
    """A trained network that can be asked.

    A task's own class has `__call__`, which takes lists or NumPy arrays, and where it can answer
    while something comes, `stream`. One without has what its head computes of arrays.

    task: its name. codec: what leads from data to numbers and back. settings: what the network was
    built by. head: the network on NumPy arrays. units: what goes in and what comes out, in words.
    version: of the gruta that wrote the file. stored: as what weights lie there. checksum: of its
    contents.
    """

    def __init__(self, contents: Contents, door: Door[C]) -> None:
        self.task, self.units = contents.task, dict(contents.units)
        self.version, self.checksum = contents.version, contents.checksum
        self.stored = contents.weights
        door.limit(contents.codec)
        settings = architecture.from_json(door.architecture, contents.architecture)
        codec: C = door.codec.from_json(contents.codec)
        self.codec, self.settings = codec, settings
        parts = _Parts(codec, settings, contents.network, contents.counted, contents.inner)
        self.head: Any = door.head(parts)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(task={self.task!r}, stored={self.stored!r})"

    def __call__(self, *arrays: Any, **how: Any) -> Any:
        """What the head computes of arrays."""
        return self.head(*arrays, **how)

    def stream(self, **how: Any) -> Stream[Any]:
        """A new stream; InputError where the task has none."""
        return self._no_stream()

    def advance(self, streams: "Sequence[Stream[Any]]") -> None:
        """Bring streams of this model forward in one call: each takes in what has come, as far as
        one step goes. Those that are not ready stay as they are.
        """
        for stream in streams:
            if not isinstance(stream, Stream) or stream.model is not self:
                raise InputError(streams=_("expected streams of this model"))
        ready = [stream for stream in streams if stream.ready()]
        if len(ready) > 1 and len({id(stream) for stream in ready}) < len(ready):
            raise InputError(streams=_("expected each stream once"))
        if ready:
            self._advance(ready)

    def restore(self, state: bytes) -> Stream[Any]:
        """The stream whose `to_bytes` gave this; InputError if it is of another model, of another
        version, or damaged.
        """
        return restored(self, state)

    def blank(self) -> Stream[Any]:
        """One to be restored."""
        return self.stream()

    def _advance(self, ready: "list[Any]") -> None:
        self._no_stream()

    def _no_stream(self) -> NoReturn:
        problem = _(
            "a model of the task {task} answers when it has read the whole, and has no stream; "
            "call it instead"
        )
        raise InputError(problem.format(task=self.task))
