"""Text as it is made: drawn unit by unit, shown grapheme by grapheme."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from gruta.codec.text.sampling import Sampling, drawn, probabilities
from gruta.codec.text.units import UNKNOWN, Units, Writing
from gruta.tasks.generate.head import GenerateHead


def generated(
    head: GenerateHead,
    units: Units,
    prompt: str,
    how: Sampling,
    *,
    count: int = 1,
    seed: int = 0,
) -> Iterator[NDArray[np.int64]]:
    """Without end: the next unit `[count]` of each of so many texts that go on from a prompt."""
    draw = np.random.default_rng(seed)
    said = np.zeros((count, units.size), bool)
    numbers = units.encode(prompt)
    said[:, numbers] = True
    logits, state = head.read(numbers)
    state = [tuple(np.repeat(part, count, 0) for part in own) for own in state]
    logits = np.repeat(logits, count, 0)
    rows = np.arange(count)
    while True:
        logits[:, UNKNOWN] = -np.inf
        found = probabilities(logits, how, said)
        chosen = drawn(found, draw.random(count))
        said[rows, chosen] = True
        yield chosen
        logits = head.step(chosen, state)
