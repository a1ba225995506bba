"""Where the time of a training step goes: in the loop itself, and in the making of a batch."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, TypeVar

import numpy as np

from gruta.bench.names import threads_name
from gruta.bench.speech.lessons import lesson
from gruta.codec.audio.mel import Frames
from gruta.cores import cores
from gruta.data.audio.augment import at_speed, spec_augment
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.runs import Run
from gruta.surroundings import threads
from gruta.tasks.transcribe.lesson import TranscribeLesson
from gruta.tasks.transcribe.settings import TranscribeSettings
from gruta.train import train

T = TypeVar("T")

STEPS, AHEAD = 8, 4
"""Of a training, and batches that a thread draws ahead in it."""

BATCHES = 4
"""Batches that are made by themselves."""


@dataclass(frozen=True)
class Division:
    """Seconds of a step of the loop: waiting for the batch, forward, backward, and the optimiser
    with clipping. ahead: batches that a thread draws ahead.
    """

    threads: int
    ahead: int
    waiting: float
    forward: float
    backward: float
    optimizer: float
    measure: Literal["step"] = "step"

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.waiting + self.forward + self.backward + self.optimizer

    def __str__(self) -> str:
        told = _("{threads}, {ahead} batches ahead: a step takes {step} s, {waiting} s of it waits")
        shown = {"step": number(self.seconds, 3), "waiting": number(self.waiting, 3)}
        return told.format(threads=threads_name(self.threads), ahead=self.ahead, **shown)


@dataclass(frozen=True)
class Making:
    """Seconds of a batch that is made while nothing else goes on: recordings of so many seconds at
    other speeds, their spectra, and scaling with what is hidden; samples lie in memory.
    """

    sound: float
    batch: float
    speed: float
    spectra: float
    changes: float
    measure: Literal["batch"] = "batch"

    def __str__(self) -> str:
        told = _("a batch of {sound} s of sound is made in {batch} s")
        return told.format(sound=number(self.sound, 0), batch=number(self.batch, 3))


def divisions() -> Iterator[Division | Making]:
    """The GRU's step, drawing batches as they are needed and ahead; then a batch by itself."""
    for count in (1, 2) if cores() > 1 else (1,):
        for ahead in (0, AHEAD):
            yield _divided(count, ahead)
    with threads(1):
        yield _made(lesson(BATCHES))


def _divided(count: int, ahead: int) -> Division:
    often = {"validate_every": STEPS, "checkpoint_every": STEPS, "log_every": STEPS}
    own = lesson(STEPS, steps=STEPS, ahead=ahead, threads=count, **often)
    with TemporaryDirectory() as place, threads(count):
        run = Run.begin(Path(place, "run"), "transcribe", own.settings, "none")
        watch = train(own, own.settings, run)
    each = {part: seconds / STEPS for part, seconds in watch.seconds.items()}
    both_ways = (each["forward"], each["backward"])
    return Division(count, ahead, each["batch"], *both_ways, each["optimizer"])


def _made(own: TranscribeLesson) -> Making:
    """Over an epoch, the second one: samples are read in the first."""
    s, mel, codec = own.settings, own.codec.mel, own.codec
    assert mel is not None
    sounds = [own.train.samples(i, mel.rate) for i in range(len(own.train))]
    for step in range(BATCHES):
        own.batch(step)
    whole, _batches = _timed(lambda: [own.batch(BATCHES + step) for step in range(BATCHES)])
    factors = np.random.default_rng(s.seed).uniform(1 - s.speed, 1 + s.speed, len(sounds)).tolist()
    speed, faster = _timed(
        lambda: [at_speed(x, mel.rate, by) for x, by in zip(sounds, factors, strict=True)]
    )
    spectra, frames = _timed(lambda: [mel.of(one) for one in faster])
    changes, _frames = _timed(lambda: [_hidden(codec.encode(one), s) for one in frames])
    sound = sum(map(len, sounds)) / mel.rate / BATCHES
    parts = (speed / BATCHES, spectra / BATCHES, changes / BATCHES)
    return Making(sound, whole / BATCHES, *parts)


def _hidden(x: Frames, s: TranscribeSettings) -> Frames:
    wide = round(2 * s.mask_share * x.shape[1])
    how = {"stretches": s.masks, "frames": len(x), "share": s.mask_share}
    return spec_augment(x, s.seed, 0, 0, bands=s.masks, wide=wide, **how)  # type: ignore[arg-type]


def _timed(make: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    found = make()
    return time.perf_counter() - start, found
