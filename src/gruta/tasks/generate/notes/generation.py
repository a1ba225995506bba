"""Music as it is made: frame by frame."""

from collections.abc import Iterator, Sequence

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
    sounding, struck, place, first = np.zeros((1, COUNT), bool), np.zeros((1, COUNT), bool), 0, True
    if opening is not None and len(opening):
        _, state = head.sequence(codec.read(opening)[:, None], state)
        sounding, struck, first = opening.sounding[-1:], opening.struck[-1:], False
        place = (int(opening.places[-1]) + 1) % codec.places
    state = [tuple(np.repeat(part, count, 0) for part in own) for own in state]
    sounding, struck = (np.repeat(part, count, 0) for part in (sounding, struck))
    while True:
        places = np.full(count, place)
        h = head.step(codec.inputs(sounding, struck, places, np.full(count, first)), state)
        sounding, struck = head.draw(h, sounding, how, draws)
        yield sounding, struck
        place, first = (place + 1) % codec.places, False


def in_one(frames: Sequence[tuple[Keys, Keys]], opening: Roll | None, codec: Frames) -> list[Roll]:
    """Each piece as a whole: the opening, and what `generated` gave."""
    parts = [np.stack(own, 1) for own in zip(*frames, strict=True)]  # [count, T, 88] each
    found = []
    for sounding, struck in zip(*parts, strict=True):
        if opening is not None:
            sounding = np.concatenate([opening.sounding, sounding])
            struck = np.concatenate([opening.struck, struck])
        found.append(Roll(sounding, struck, np.arange(len(sounding)) % codec.places))
    return found
