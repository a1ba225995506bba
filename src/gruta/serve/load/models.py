"""A classifier of series that has learned nothing: what it costs is what one of its size costs."""

from pathlib import Path

import numpy as np

import gruta
from gruta.codec.channels import Channels
from gruta.codec.classes import ClassCodec
from gruta.codec.scaler import Scaler
from gruta.runtime import file
from gruta.runtime.blocks import linear_shapes, recurrent_shapes
from gruta.runtime.weights import Stored

CHANNELS = 8
LABELS = ("calm", "rising", "falling", "alarm")


def untrained(path: Path, hidden: int, cell: str = "gru") -> None:
    """Write one of so many units, which reads so many channels as `CHANNELS` says."""
    rng = np.random.default_rng(hidden)
    shapes = {
        **recurrent_shapes("layer", cell, CHANNELS, hidden),
        **linear_shapes("output", hidden, len(LABELS)),
    }
    bound = hidden**-0.5
    tensors = {
        name: Stored("F32", rng.uniform(-bound, bound, shape).astype(np.float32))
        for name, shape in shapes.items()
    }
    scaler = Scaler(np.zeros(CHANNELS), np.ones(CHANNELS))
    reader = Channels(tuple(f"sensor{i}" for i in range(CHANNELS)), scaler, ())
    codec = ClassCodec(reader, LABELS, (1,) * len(LABELS), longest=2**31 - 1)
    architecture = {
        "cell": cell,
        "hidden": hidden,
        "layers": 1,
        "bidirectional": False,
        "pooling": "last",
        "embedding": 1,
        "bayes": False,
    }
    contents = file.Contents(
        "classify", "float32", architecture, codec.to_json(), {}, tensors, gruta.__version__
    )
    file.save(path, contents)
