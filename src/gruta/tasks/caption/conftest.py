import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

COLOURS = {"red": (220, 40, 40), "green": (40, 170, 60), "blue": (50, 70, 220)}
CORES = {"red": "vermelho", "green": "verde", "blue": "azul"}
SHAPES = ("square", "bar")
FORMAS = {"square": "quadrado", "bar": "traço"}
SIDE = 24
SMALL = {"size": 16, "channels": 8, "embedding": 12, "shift": 0.05, "dropout": 0.0}


def drawn(colour: str, shape: str, x: int, y: int) -> np.ndarray:
    """A square or a flat bar on white, at a place."""
    found = np.full((SIDE, SIDE, 3), 255, np.uint8)
    found[y : y + (8 if shape == "square" else 3), x : x + 8] = COLOURS[colour]
    return found


@cache
def _place(kind: str) -> tempfile.TemporaryDirectory:
    """A folder of its own for pictures and for clips: what was read stays what it was."""
    return tempfile.TemporaryDirectory()


def pictures(rows: int = 60) -> pl.DataFrame:
    """Pictures of one thing, with its colour and shape."""
    draw, place = np.random.default_rng(0), Path(_place("pictures").name)
    found = []
    for i in range(rows):
        colour, shape = draw.choice(list(COLOURS)), draw.choice(SHAPES)
        file = place / f"{i}.png"
        Image.fromarray(drawn(colour, shape, *draw.integers(0, 16, 2))).save(file)
        found.append((str(file), f"a {colour} {shape} on white"))
    return pl.DataFrame(found, ["picture", "caption"], orient="row")


def clips(rows: int = 40) -> pl.DataFrame:
    """Clips of a thing that goes to one side, some pictures among them, in two languages."""
    draw, place = np.random.default_rng(0), Path(_place("clips").name)
    found = []
    for i in range(rows):
        colour, way = draw.choice(list(COLOURS)), draw.choice(["left", "right"])
        y, still = int(draw.integers(0, 16)), i % 5 == 0
        at = [8] if still else [1, 5, 9, 13] if way == "right" else [13, 9, 5, 1]
        frames = [Image.fromarray(drawn(colour, "square", x, y)) for x in at]
        file = place / f"{i}.{'png' if still else 'gif'}"
        more = {} if still else {"save_all": True, "append_images": frames[1:], "duration": 200}
        frames[0].save(file, **more)
        english = f"a {colour} square" + ("" if still else f" goes {way}")
        lado = {"left": "para a esquerda", "right": "para a direita"}[way]
        portugues = f"um quadrado {CORES[colour]}" + ("" if still else f" vai {lado}")
        found.append((str(file), english, portugues))
    return pl.DataFrame(found, ["picture", "en", "pt_BR"], orient="row")


@pytest.fixture(scope="session")
def captioned():
    return pictures()
