"""A recording that is heard as it comes, by a network that reads forward alone."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.audio.ctc import greedy, log_softmax
from gruta.codec.audio.ctc_beam import Beam
from gruta.codec.audio.mel import Frames, MelStream
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runtime import checks
from gruta.runtime.blocks import Array
from gruta.runtime.stream import Arrays, Stream, require_like
from gruta.tasks.transcribe.head import Listening
from gruta.tasks.transcribe.heard import Heard, asked, in_scores, told

if TYPE_CHECKING:
    from gruta.tasks.transcribe.model import TranscribeModel

WIDEST = 10_000


class TranscribeStream(Stream["TranscribeModel"]):
    """A recording under way.

    `accept` takes samples or, where the model reads those, features; `finish` says that there are
    no more; `result` is what is heard by now. What the network said of each step is kept until
    `reset`: some kilobytes a second.
    """

    ended: bool
    _said: list[Array]

    def __init__(self, model: "TranscribeModel", beam: int, ngram: bool) -> None:
        super().__init__(model)
        self.beam, self.ngram = checks.whole("beam", beam, 1, WIDEST), bool(ngram)
        self.reset()

    def accept(self, sound: Any) -> None:
        """Some more samples `[N]` from -1 to 1, or features `[n, C]`; InputError behind the end."""
        if self.ended:
            problem = _("the recording is at its end; reset the stream to begin anew")
            raise InputError(sound=problem)
        values = self.model.checked("sound", sound)
        self._came(values if self._mel is None else self._mel.add(values))

    def finish(self) -> None:
        """There is no more."""
        if not self.ended and self._mel is not None:
            self._came(self._mel.finish())
        self.ended = True

    def ready(self) -> bool:
        """Whether frames came that were not heard, or the end, which completes the last."""
        return len(self.coming) > 0 or (self.ended and not self._heard_all)

    @property
    def seconds(self) -> float:
        """How much was heard."""
        steps = sum(map(len, self._said))
        found: float = steps * self.model.head.stride * self.model.codec.hop
        return found

    @property
    def log_p(self) -> Array:
        """`[T, V]`: what the network said of the steps so far."""
        if len(self._said) > 1:
            self._said = [np.concatenate(self._said)]
        return self._said[0]

    def result(self) -> str:
        """What is said, by what was heard so far."""
        if self._is_silent:
            return ""
        units = greedy(self.log_p) if self._search is None else self._search.found()[0].text
        return self.model.codec.text(units)

    def heard(self) -> Heard:
        """The same, with words in time."""
        head, codec = self.model.head, self.model.codec
        if self._is_silent or self._search is None:
            log_p = self.log_p[:0] if self._is_silent else self.log_p
            return in_scores(head, codec, log_p, self)[0]
        return told(codec, head.stride, self._search.found()[0], self.log_p)

    @property
    def _is_silent(self) -> bool:
        extremes = np.stack([self._least, self._most])
        return not np.isfinite(extremes).all() or self.model.codec.is_silent(extremes)

    def reset(self) -> None:
        """Begin another recording."""
        codec, head = self.model.codec, self.model.head
        self._mel = None if codec.mel is None else MelStream(codec.mel)
        self._listening: Listening = head.stream()
        self.coming: Frames = np.zeros((0, len(codec.names)), np.float32)
        self._said = [np.zeros((0, codec.size), np.float32)]
        self.ended = self._heard_all = False
        self._least = np.full(len(codec.names), np.inf, np.float32)
        self._most = -self._least
        language = asked(head, self)
        alone = self.beam == 1 and language is None
        self._search = None if alone else Beam(language or head.silent, self.beam)

    def hidden(self) -> NDArray[np.float32]:
        """h of each layer by now `[L, H]`."""
        return np.concatenate([state[0][:, 0] for state in self._listening.states])

    def found(self) -> Array:
        """What the convolutions find of all that came `[n, …]`, which is then heard."""
        parts = [self._listening.complete(self.model.codec.encode(self.coming))]
        self.coming = self.coming[:0]
        if self.ended and not self._heard_all:
            parts.append(self._listening.rest())
            self._heard_all = True
        return np.concatenate(parts)

    @property
    def states(self) -> list[Any]:
        """Of the layers."""
        return self._listening.states

    def take(self, scores: Array) -> None:
        """What the network says of some more steps `[n, V]`."""
        own = log_softmax(scores).astype(np.float32)
        self._said.append(own)
        if self._search is not None:
            self._search.feed(own)

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """All that it is; the search goes through `log_p` anew."""
        arrays: dict[str, NDArray[Any]] = {
            "coming": self.coming,
            "log_p": self.log_p,
            "least": self._least,
            "most": self._most,
        }
        arrays |= {f"front.{k}": layer.held for k, layer in enumerate(self._listening.front)}
        for k, state in enumerate(self.states):
            arrays |= {f"layer.{k}.{p}": part for p, part in enumerate(state)}
        values = {"beam": self.beam, "ngram": self.ngram, "ended": self.ended}
        if self._mel is not None:
            arrays["held"] = self._mel.held
            values["samples"] = self._mel.samples
        return values | {"heard_all": self._heard_all}, arrays

    def set_state(self, values: Mapping[str, Any], arrays: Arrays) -> None:
        """Be what `state` told."""
        self.beam = checks.whole("beam", values["beam"], 1, WIDEST)
        self.ngram = bool(values["ngram"])
        self.reset()
        self.coming = _rows("coming", arrays, self.coming)
        self._least, self._most = (
            require_like(arrays[name], self._least, name) for name in ("least", "most")
        )
        for k, layer in enumerate(self._listening.front):
            layer.held = _rows(f"front.{k}", arrays, layer.held)
        self._listening.states[:] = [
            tuple(
                require_like(arrays[f"layer.{k}.{p}"], part, f"layer.{k}.{p}")
                for p, part in enumerate(state)
            )
            for k, state in enumerate(self.states)
        ]
        if self._mel is not None:
            self._mel.held = _rows("held", arrays, self._mel.held)
            self._mel.samples = checks.whole("samples", values["samples"], 0)
        self.ended, self._heard_all = bool(values["ended"]), bool(values["heard_all"])
        self._said = [_rows("log_p", arrays, self.log_p)]
        if self._search is not None:
            self._search.feed(self.log_p)

    def _came(self, frames: Frames) -> None:
        self.coming = np.concatenate([self.coming, frames])
        if len(frames):
            self._least = np.minimum(self._least, frames.min(0))
            self._most = np.maximum(self._most, frames.max(0))


def advanced(model: "TranscribeModel", ready: Sequence[TranscribeStream]) -> None:
    """All that came, of all streams in one pass of the layers."""
    found = [(stream, stream.found()) for stream in ready]
    some = [(stream, y) for stream, y in found if len(y)]
    if some:
        scores = model.head.read([y for _stream, y in some], [stream.states for stream, _y in some])
        for (stream, _y), own in zip(some, scores, strict=True):
            stream.take(own)


def _rows(name: str, arrays: Arrays, like: NDArray[Any]) -> NDArray[Any]:
    """Any number of rows like those."""
    found = arrays[name]
    require_like(found[:0], like[:0], name)
    return found
