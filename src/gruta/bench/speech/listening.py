"""Sound that comes for an hour: how fast it is heard, and what memory that takes, in a process of
its own.

The recogniser's network of default size, reading forward alone, learns tones first, so that it
says something and its search has about as much to follow as with speech.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from gruta.bench.process import environment
from gruta.bench.speech.sounds import RATE, recordings, speech
from gruta.codec.audio.mel import MelStream, Samples
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.resident import forget_peak, is_told, resident

Way = Literal["features", "stream"]

BLOCK = 0.2
"""Seconds of sound that come at once."""

STEPS = 80
"""Of the training."""

HOUR = 60.0
"""Minutes of features, at least."""

PARTS = 4
"""Of the sound: of the first and the last of so many the largest size is told."""


@dataclass(frozen=True)
class Listening:
    """A recording of so many seconds, in blocks. way: features alone; or stream: features, network
    and search, as `gruta transcribe --live` has it. seconds: of one core. first, last: bytes of
    the process at most, in the first and in the last quarter; None where the system does not tell.
    error: characters that were heard wrong, as a share; None of features.
    """

    way: Way
    sound: float
    seconds: float
    first: int | None
    last: int | None
    error: float | None
    measure: Literal["listening"] = "listening"

    @property
    def factor(self) -> float:
        """Seconds of sound that are heard in one."""
        return self.sound / self.seconds

    def __str__(self) -> str:
        told = _("{way}: {factor} times real time")
        return told.format(way=self.name, factor=number(self.factor, 0))

    @property
    def name(self) -> str:
        """The way, for people."""
        names = {"features": _("spectra alone"), "stream": _("spectra, network and search")}
        return names[self.way]


def listenings(minutes: float) -> Iterator[Listening]:
    """Features alone, for an hour or more; then all of it, for so many minutes."""
    with TemporaryDirectory() as place:
        run = Path(place, "run")
        _learn(run)
        yield Listening("features", **_asked("features", run, 60 * max(minutes, HOUR)))
        yield Listening("stream", **_asked("stream", run, 60 * minutes))


def _learn(run: Path) -> None:
    from gruta.tasks.transcribe.estimator import Transcriber

    how: dict[str, Any] = {"dropout": 0.0, "masks": 0, "speed": 0.0, "learning_rate": 3e-3}
    how |= {
        "ngram": "none",
        "test_share": 0.0,
        "steps": STEPS,
        "validate_every": STEPS,
        "checkpoint_every": STEPS,
    }
    given = recordings(400, 0.4, 0.9)
    sounds = [one.sound for one in given.utterances]
    Transcriber(direction="forward", rate=RATE, **how).fit((sounds, given.texts), run=run)


def _asked(way: Way, run: Path, seconds: float) -> dict[str, Any]:
    command = [sys.executable, "-m", __name__, way, str(run), str(seconds)]
    done = subprocess.run(command, env=environment(1), stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def answer(way: str, run: str, seconds: float) -> dict[str, Any]:
    """In a process of its own: what `Listening` tells, but for the way."""
    hear = _Features(run) if way == "features" else _Stream(run)
    part, size = int(seconds * RATE / PARTS), round(BLOCK * RATE)
    first: int | None = None
    last: int | None = None
    heard, taken, said = 0.0, 0, list[str]()
    for samples, text in speech(seconds):
        if is_told() and first is None and taken >= part:
            first = resident("VmHWM")
        if is_told() and last is None and taken >= (PARTS - 1) * part:
            last = 0
            forget_peak()
        start = time.perf_counter()
        for k in range(0, len(samples), size):
            hear.add(samples[k : k + size])
        heard += time.perf_counter() - start
        taken += len(samples)
        said.append(text)
    start = time.perf_counter()
    hear.finish()
    heard += time.perf_counter() - start
    if is_told():
        last = resident("VmHWM")
    found = {"sound": taken / RATE, "seconds": heard, "first": first, "last": last}
    return found | {"error": hear.error(said)}


class _Features:
    """Spectra alone."""

    def __init__(self, run: str) -> None:
        from gruta.tasks.transcribe.estimator import Transcriber

        mel = Transcriber.load(run).trained_.codec.mel
        assert mel is not None
        self._stream = MelStream(mel)

    def add(self, samples: Samples) -> None:
        self._stream.add(samples)

    def finish(self) -> None:
        self._stream.finish()

    def error(self, said: list[str]) -> None:
        return


class _Stream:
    """Spectra, network and search."""

    def __init__(self, run: str) -> None:
        from gruta.tasks.transcribe.estimator import Transcriber
        from gruta.tasks.transcribe.live import Listener
        from gruta.tasks.transcribe.options import SearchOptions

        self._listener = Listener(Transcriber.load(run).trained_, SearchOptions.model_validate({}))
        self._heard: list[str] = []

    def add(self, samples: Samples) -> None:
        self._heard += [one.text for one in self._listener.add(samples) if one.done]

    def finish(self) -> None:
        self._heard += [one.text for one in self._listener.finish() if one.done]

    def error(self, said: list[str]) -> float:
        from gruta.tasks.transcribe.errors import errors_of

        return errors_of([" ".join(said)], [" ".join(self._heard)]).cer


if __name__ == "__main__":
    way, run, seconds = sys.argv[1:]
    sys.stdout.write(json.dumps(answer(way, run, float(seconds))) + "\n")
