"""Music as it is made: frame by frame."""

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from gruta.codec.notes.frames import COUNT, Frames, Keys, Roll
from gruta.codec.text.sampling import Sampling
from gruta.tasks.generate.notes.head import NotesHead


def generated(
    head: NotesHead,
    codec: Frames,
    opening: Roll | None,
    how: Sampling,
    *,
    count: int = 1,
    seed: int = 0,
) -> Iterator[tuple[Keys, Keys]]:
    """Without end: which keys sound in the next frame `[count, 88]` of each of so many pieces that
    go on from an opening, and which are struck.
    """
    draws = np.random.default_rng(seed)
    state = head.start()
    sounding, struck, first = np.zeros((1, COUNT), bool), np.zeros((1, COUNT), bool), True
    if opening is not None and len(opening):
        _, state = head.sequence(codec.read(opening)[:, None], state)
        sounding, struck, first = opening.sounding[-1:], opening.struck[-1:], False
    state = [tuple(np.repeat(part, count, 0) for part in own) for own in state]
    sounding, struck = (np.repeat(part, count, 0) for part in (sounding, struck))
    for place in codec.following(opening):
        places = np.full(count, place)
        h = head.step(codec.inputs(sounding, struck, places, np.full(count, first)), state)
        sounding, struck = head.draw(h, sounding, how, draws)
        yield sounding, struck
        first = False


def in_one(frames: Sequence[tuple[Keys, Keys]], opening: Roll | None, codec: Frames) -> list[Roll]:
    """Each piece as a whole: the opening, and what `generated` gave."""
    parts = [np.stack(own, 1) for own in zip(*frames, strict=True)]  # [count, T, 88] each
    places, bar = np.array([*islice(codec.following(opening), len(frames))], np.int64), 0
    if opening is not None:
        places, bar = np.concatenate([opening.places, places]), opening.bar
    found = []
    for sounding, struck in zip(*parts, strict=True):
        if opening is not None:
            sounding = np.concatenate([opening.sounding, sounding])
            struck = np.concatenate([opening.struck, struck])
        found.append(Roll(sounding, struck, places, bar))
    return found
