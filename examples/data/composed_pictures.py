"""Composed pictures and clips with captions in English and Portuguese: stamps put together.

    python examples/data/stamps.py tuxpaint-stamps-default_*.deb runs/stamps
    python examples/data/composed_pictures.py runs/stamps runs/composed

A picture shows two things on a ground: "a frog to the left of a banana on green". A clip shows one
that moves: "a frog zigzags quickly to the left". None was taken by a camera, and each row says
`composed`. pictures.csv and clips.csv are for training; pictures-test.csv and clips-test.csv hold
combinations that are not there, of words that all are: no pair of things in that place, and no
thing with that verb, speed and direction.

    gruta train caption runs/composed/clips.csv --test runs/composed/clips-test.csv
    gruta evaluate runs/clips-gru runs/composed/clips-test.csv --out answers.csv
    python examples/data/composed_pictures.py answers.csv

The last one says how often thing, verb and direction are all right, whatever the speed.
"""

import csv
import itertools
import sys
from pathlib import Path

import numpy as np
from PIL import Image

THINGS = {
    "animals__amphibians__frog-1": ("a frog", "um sapo"),
    "animals__mammals__pig": ("a pig", "um porco"),
    "animals__mammals__cats__tiger": ("a tiger", "um tigre"),
    "animals__birds__seagull": ("a seagull", "uma gaivota"),
    "food__fruit__cartoon__banana": ("a banana", "uma banana"),
    "food__fruit__cartoon__pineapple": ("a pineapple", "um abacaxi"),
    "food__fruit__apple_green": ("a green apple", "uma maçã verde"),
    "hobbies__music__string__violin": ("a violin", "um violino"),
    "plants__flowers__rose": ("a rose", "uma rosa"),
    "household__key": ("a key", "uma chave"),
    "vehicles__emergency__firetruck": ("a fire truck", "um caminhão de bombeiros"),
    "town__flags__redflag": ("a red flag", "uma bandeira vermelha"),
}
PLACES = {"left": ("to the left of", "à esquerda de"), "above": ("above", "acima de")}
GROUNDS = {
    (255, 255, 255): ("on white", "sobre branco"),
    (150, 200, 255): ("on blue", "sobre azul"),
    (150, 220, 140): ("on green", "sobre verde"),
    (250, 225, 130): ("on yellow", "sobre amarelo"),
}
VERBS = {
    "slides": "desliza",
    "zigzags": "ziguezagueia",
    "spins": "gira",
    "blinks": "pisca",
}
SPEEDS = {"slowly": ("devagar", 0.22), "quickly": ("depressa", 0.62)}
DIRECTIONS = {
    "to the left": ("para a esquerda", (-1, 0)),
    "to the right": ("para a direita", (1, 0)),
    "upwards": ("para cima", (0, -1)),
    "downwards": ("para baixo", (0, 1)),
}
SIDE = 64
FRAMES, MILLISECONDS = 12, 80
HELD_OUT = 0.2
PICTURES, CLIPS = 4000, 2400
"""To train on; a fifth as many are for the test."""


class Stamps:
    """Things cut out, by name."""

    def __init__(self, place: Path) -> None:
        self._cut = {}
        for name in THINGS:
            with Image.open(place / f"{name}.png") as picture:
                whole = picture.convert("RGBA")
            self._cut[name] = whole.crop(whole.getchannel("A").getbbox())

    def put(self, ground, name, middle, size, turned=0.0):
        """A thing on a ground: its middle, and its longer side, in pixels."""
        thing = self._cut[name]
        scale = size / max(thing.size)
        thing = thing.resize([max(1, round(side * scale)) for side in thing.size])
        if turned:
            thing = thing.rotate(turned, Image.Resampling.BICUBIC, expand=True)
        corner = [round(m - s / 2) for m, s in zip(middle, thing.size, strict=True)]
        ground.paste(thing, corner, thing)


def scene(stamps, draw, first, place, second):
    """Two things on a ground, and what is to be said of them."""
    colour = list(GROUNDS)[draw.integers(len(GROUNDS))]
    ground = Image.new("RGB", (SIDE, SIDE), colour)
    along, across = draw.uniform(0.2, 0.32, 2), draw.uniform(0.35, 0.65)
    for name, at in ((first, along[0]), (second, 1 - along[1])):
        middle = (at, across) if place == "left" else (across, at)
        middle = [SIDE * (one + draw.uniform(-0.04, 0.04)) for one in middle]
        stamps.put(ground, name, middle, SIDE * draw.uniform(0.34, 0.46))
    return ground, [
        " ".join((THINGS[first][k], PLACES[place][k], THINGS[second][k], GROUNDS[colour][k]))
        for k in (0, 1)
    ]


def clip(stamps, draw, name, verb, speed, direction):
    """A thing that moves, and what is to be said of it."""
    colour = list(GROUNDS)[draw.integers(len(GROUNDS))]
    far, towards = SPEEDS[speed][1] * draw.uniform(0.85, 1.15), np.array(DIRECTIONS[direction][1])
    size = SIDE * draw.uniform(0.28, 0.36)
    middle = 0.5 + draw.uniform(-0.1, 0.1, 2) - towards * far / 2
    frames = []
    for k in range(FRAMES):
        ground = Image.new("RGB", (SIDE, SIDE), colour)
        at = middle + towards * far * k / (FRAMES - 1)
        if verb == "zigzags":
            at = at + towards[::-1] * 0.13 * (1 if k // 2 % 2 else -1)
        if verb != "blinks" or k // 2 % 2 == 0:
            stamps.put(ground, name, SIDE * at, size, 60.0 * k if verb == "spins" else 0.0)
        frames.append(ground)
    english = f"{THINGS[name][0]} {verb} {speed} {direction}"
    portuguese = f"{THINGS[name][1]} {VERBS[verb]} {SPEEDS[speed][0]} {DIRECTIONS[direction][0]}"
    return frames, (english, portuguese)


def apart(combinations, draw):
    """Combinations to train on, and others."""
    order = draw.permutation(len(combinations))
    cut = round(HELD_OUT * len(combinations))
    return [[combinations[i] for i in some] for some in (order[cut:], order[:cut])]


def write(out, name, count, combinations, make, save):
    """Files, and a table of them: of each combination as many."""
    rows = []
    (out / name).mkdir(parents=True, exist_ok=True)
    for k in range(count):
        made, texts = make(*combinations[k % len(combinations)])
        rows.append((save(made, out / name / f"{k:05}"), *texts, "composed"))
    with (out / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("picture", "en", "pt_BR", "origin"), *rows])
    print(f"{count} of {len(combinations)} combinations: {out / f'{name}.csv'}")


def save_picture(picture, path):
    """A PNG; its name as the table has it."""
    picture.save(path.with_suffix(".png"))
    return f"{path.parent.name}/{path.name}.png"


def save_clip(frames, path):
    """An animated WebP, without loss."""
    first, *rest = frames
    first.save(
        path.with_suffix(".webp"), save_all=True, append_images=rest, duration=MILLISECONDS,
        loop=0, lossless=True, method=0,
    )  # fmt: skip
    return f"{path.parent.name}/{path.name}.webp"


def compose(place: Path, out: Path) -> None:
    """Write pictures and clips, each in two parts."""
    stamps, draw = Stamps(place), np.random.default_rng(0)
    scenes = [
        (first, where, second)
        for where in PLACES
        for first, second in itertools.permutations(THINGS, 2)
    ]
    moves = list(itertools.product(THINGS, VERBS, SPEEDS, DIRECTIONS))
    for name, combinations, count, make, save in (
        ("pictures", scenes, PICTURES, scene, save_picture),
        ("clips", moves, CLIPS, clip, save_clip),
    ):
        learned, held = apart(combinations, draw)
        made = lambda *what, make=make: make(stamps, draw, *what)  # noqa: E731
        write(out, name, count, learned, made, save)
        write(out, f"{name}-test", count // 5, held, made, save)


def score(answers: Path) -> None:
    """How often thing, verb and direction are right, in each language."""
    speeds = {*SPEEDS, *(word for word, _far in SPEEDS.values())}
    right: dict[str, list[bool]] = {}
    with answers.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            said, expected = (
                [word for word in row[name].split() if word not in speeds]
                for name in ("written", "expected")
            )
            right.setdefault(row["language"] or "captions", []).append(said == expected)
    for language, own in right.items():
        print(f"{language}: {100 * np.mean(own):.1f} % of {len(own)}")


if __name__ == "__main__":
    if len(sys.argv) == 2:
        score(Path(sys.argv[1]))
    elif len(sys.argv) == 3:
        compose(Path(sys.argv[1]), Path(sys.argv[2]))
    else:
        sys.exit(__doc__)
