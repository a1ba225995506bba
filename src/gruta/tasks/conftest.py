import io
from pathlib import Path

import numpy as np
import polars as pl

import gruta
import gruta.tests
from gruta.settings import resolve
from gruta.tasks import registry
from gruta.tasks.exporting import export
from gruta.tasks.fitting import fit

WORDS = ["a", "bee", "cab", "dad", "abe", "add", "ebb"]
RATE = 8000
PHONEMES = Path(gruta.tests.__path__[0]) / "pronouncing" / "phonemes.gruta"
"""A translator that was trained to turn words of a, b, c and e into phonemes."""

_TONES = {"a": 400, "b": 800, "c": 1300, "d": 2000, "e": 3000}


def sentences(count, seed=0):
    draw = np.random.default_rng(seed)
    return [" ".join(draw.choice(WORDS, draw.integers(1, 4))) for _ in range(count)]


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


def spoken(count=60, seed=0):
    """Recordings of tones as lists, and what is said in them."""
    draw = np.random.default_rng(seed)
    texts = sentences(count, seed)
    return [samples(text, draw) for text in texts], texts


def tones(count=40):
    """Recordings of tones with what they say, as the bytes of an .npz file."""
    sounds, texts = spoken(count)
    buffer = io.BytesIO()
    about = {"lengths": np.array([len(one) for one in sounds]), "rate": np.array(RATE)}
    np.savez(buffer, samples=np.concatenate(sounds), text=np.array(texts), **about)
    return buffer.getvalue()


SHORT = {"hidden": 6, "steps": 4, "batch_size": 8, "validate_every": 2, "checkpoint_every": 4}


def made(place, task, content, name="data.csv", **given):
    """A model file of a network that has learned next to nothing, and its model."""
    task, source = registry.task(task), place / name
    if isinstance(content, pl.DataFrame):
        content.write_csv(source)
    else:
        source.write_bytes(content if isinstance(content, bytes) else content.encode())
    trained = fit(task, source, resolve(task.settings, SHORT | given), place / "run").trained
    for weights in trained.weights.values():
        if not weights.any():
            weights += np.random.default_rng(0).normal(size=weights.shape).astype("f")
    export(trained, place / "model.gruta")
    return gruta.load(place / "model.gruta")
