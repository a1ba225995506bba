import io

import numpy as np

from gruta.tasks.conftest import RATE, samples, sentences  # noqa: F401


def features(text, draw):
    """`[T, 6]`: a channel rises for each letter, the last for a blank between words."""
    rows = []
    for letter in text:
        row = np.zeros(6)
        row["abcde".find(letter)] = 3.0
        if letter == " ":
            row[:] = [0, 0, 0, 0, 0, 3]
        rows += [row] * int(draw.integers(3, 6)) + [np.zeros(6)]
    x = np.array([np.zeros(6), *rows, np.zeros(6)])
    return (x + 0.2 * draw.standard_normal(x.shape)).astype(np.float32)


def said(count=60, seed=0, make=features):
    """Recordings as lists, and what is said in them."""
    draw = np.random.default_rng(seed)
    texts = sentences(count, seed)
    return [make(text, draw) for text in texts], texts


def archive(count=60, speakers=True):
    """The same as the bytes of an .npz file."""
    frames, texts = said(count)
    buffer = io.BytesIO()
    who = {"speakers": np.array([f"s{i % 12}" for i in range(count)])} if speakers else {}
    np.savez(
        buffer,
        frames=np.concatenate(frames),
        lengths=np.array([len(one) for one in frames]),
        text=np.array(texts),
        **who,
    )
    return buffer.getvalue()
