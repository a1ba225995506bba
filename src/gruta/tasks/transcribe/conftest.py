import io

import numpy as np

WORDS = ["a", "bee", "cab", "dad", "abe", "add", "ebb"]
RATE = 8000
_TONES = {"a": 400, "b": 800, "c": 1300, "d": 2000, "e": 3000}


def sentences(count, seed=0):
    draw = np.random.default_rng(seed)
    return [" ".join(draw.choice(WORDS, draw.integers(1, 4))) for _ in range(count)]


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


def samples(text, draw):
    """`[N]`: a tone for each letter, silence between them."""
    gap = np.zeros(int(0.03 * RATE))
    parts = [gap]
    for letter in text:
        count = int(draw.uniform(0.06, 0.1) * RATE * (2 if letter == " " else 1))
        tone = np.sin(2 * np.pi * _TONES.get(letter, 0) * np.arange(count) / RATE)
        parts += [0.5 * np.hanning(count) * tone, gap]
    x = np.concatenate([*parts, gap])
    return (x + 1e-3 * draw.standard_normal(len(x))).astype(np.float32)


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


def tones(count=40):
    """Recordings of tones with what they say, as the bytes of an .npz file."""
    sounds, texts = said(count, make=samples)
    buffer = io.BytesIO()
    about = {"lengths": np.array([len(one) for one in sounds]), "rate": np.array(RATE)}
    np.savez(buffer, samples=np.concatenate(sounds), text=np.array(texts), **about)
    return buffer.getvalue()
