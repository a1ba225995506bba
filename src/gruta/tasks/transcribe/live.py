"""Sound that is heard as it comes: from a microphone, or from whatever gives blocks of samples."""

import queue
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gruta.codec.audio.ctc import log_softmax
from gruta.codec.audio.ctc_beam import Beam
from gruta.codec.audio.cuts import Piece
from gruta.codec.audio.mel import Frames, MelStream, Samples
from gruta.codec.audio.speech import SpeechCodec
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.tasks.trained import Trained
from gruta.tasks.transcribe.heard import asked, heard
from gruta.tasks.transcribe.options import SearchOptions
from gruta.tasks.transcribe.transcripts import cutter_of

BLOCK = 0.2
"""Seconds of sound that are taken from a microphone at once."""


@dataclass(frozen=True)
class Saying:
    """What is heard so far in a stretch that began at so many seconds; done: whether it ended."""

    begin: float
    text: str
    done: bool


class Listener:
    """What is said in sound that comes; `add` gives what changed.

    A network that reads forward alone tells what it hears while it is said; one that reads in both
    directions, once a pause ends it. In both a pause starts anew.
    """

    def __init__(self, trained: Trained[SpeechCodec], how: SearchOptions) -> None:
        codec = trained.codec
        if codec.mel is None:
            problem = _("the network reads features, not sound; nothing can be heard as it comes")
            raise InputError(problem)
        self._trained, self._codec, self._how = trained, codec, how
        self._stream, self._cutter = MelStream(codec.mel), cutter_of(codec)
        self._told = ""
        self._begin = 0
        self._reset()

    @property
    def rate(self) -> int:
        """Samples a second that it takes."""
        assert self._codec.mel is not None
        return self._codec.mel.rate

    def add(self, samples: Samples) -> Iterator[Saying]:
        """With some more samples `[N]`."""
        yield from self._with(self._stream.add(samples))

    def finish(self) -> Iterator[Saying]:
        """With none any more."""
        yield from self._with(self._stream.finish())
        for piece in self._cutter.finish():
            yield from self._done(piece)

    def _with(self, frames: Frames) -> Iterator[Saying]:
        if not len(frames):
            return
        pieces = list(self._cutter.add(frames))
        for piece in pieces:
            yield from self._done(piece)
        if self._beam is None:
            return
        # What a piece ends with is heard anew by the next: it lies in the quiet between both.
        self._feed(self._cutter.held if pieces else frames)
        text = self._text()
        if text != self._told:
            self._told = text
            yield Saying(self._begin * self._codec.hop, text, False)

    def _done(self, piece: Piece) -> Iterator[Saying]:
        codec = self._codec
        if not codec.is_silent(piece.frames):
            x = codec.encode(piece.frames)
            text = heard(self._trained.head, codec, [x], self._how)[0][0].text
            if text:
                yield Saying(piece.begin * codec.hop, text, True)
        self._begin = piece.begin + len(piece.frames)
        self._reset()

    def _reset(self) -> None:
        head = self._trained.head
        self._told = ""
        self._listening = head.stream() if head.streams else None
        language = asked(head, self._how) or head.silent
        self._beam = Beam(language, self._how.beam) if head.streams else None

    def _feed(self, frames: Frames) -> None:
        if self._listening is None or self._beam is None or not len(frames):
            return
        scores = self._listening.add(self._codec.encode(frames))
        self._beam.feed(log_softmax(scores))

    def _text(self) -> str:
        assert self._beam is not None
        return self._codec.text(self._beam.found()[0].text)


def microphone(rate: int) -> Iterator[Samples]:
    """Blocks of a microphone, until it is interrupted; InputError where there is none."""
    try:
        import sounddevice
    except ImportError:
        problem = _("--live needs a package for microphones: pip install sounddevice")
        raise InputError(problem) from None
    except OSError as error:  # PortAudio is missing
        problem = _("--live: no sound can be recorded here ({error})")
        raise InputError(problem.format(error=error)) from None
    yield from recorded(sounddevice, rate)


def recorded(device: Any, rate: int) -> Iterator[Samples]:
    """Blocks from the standard input of a library of sounddevice's kind."""
    coming: queue.Queue[Samples] = queue.Queue()

    def take(block: Any, count: int, when: Any, status: Any) -> None:
        coming.put(np.array(block[:, 0], np.float32))

    try:
        stream = device.InputStream(
            samplerate=rate,
            channels=1,
            dtype="float32",
            blocksize=round(BLOCK * rate),
            callback=take,
        )
    except Exception as error:  # PortAudio's own kinds, of a module that may not be there
        problem = _("--live: no microphone can be opened ({error})")
        raise InputError(problem.format(error=error)) from None
    with stream:
        while True:
            try:
                yield coming.get(timeout=0.5)
            except queue.Empty:
                if not stream.active:
                    return


def listened(listener: Listener, blocks: Iterable[Samples]) -> Iterator[Saying]:
    """What is said in blocks, as they come."""
    for block in blocks:
        yield from listener.add(block)
    yield from listener.finish()
