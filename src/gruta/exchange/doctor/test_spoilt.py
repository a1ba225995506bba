"""Spoilt files of every format that is read here: one clear sentence each, in little memory.

`make fuzz` looks for longer: GRUTA_FUZZ_SECONDS.
"""

import os
import resource
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from gruta.errors import InputError
from gruta.exchange import from_keras, from_onnx
from gruta.exchange.conftest import KINDS, drawn
from gruta.exchange.doctor import ncnn_asked
from gruta.exchange.doctor.look import examine
from gruta.exchange.doctor.mend import mend
from gruta.exchange.doctor.tried import SIZES, asked, asked_keras
from gruta.exchange.keras.write import bare_pieces, pieces
from gruta.exchange.onnx.write import model
from gruta.exchange.weights.ncnn import NCNN, files

DATA = Path(__file__).parent / "data"
SECONDS = float(os.environ.get("GRUTA_FUZZ_SECONDS", 0))
ROUNDS = 60

MOST_MEMORY = 2**30
"""Bytes more that examining a file of some kilobytes may take."""


LAYER = drawn(np.random.default_rng(0), 3, 4, **KINDS["gru"])
PARAM, WEIGHTS = files("gru", NCNN.out(LAYER, LAYER.sides[0]))


def seeds():
    """A whole file of each format, by its suffix; several of some."""
    named = {
        f"a.{n}_l0": w
        for n, w in zip(("weight_ih", "weight_hh"), LAYER.sides[0].arrays, strict=False)
    }
    made = {
        ".param": PARAM.encode(),
        ".bin": WEIGHTS,
        ".onnx": model([LAYER], lengths=True).SerializeToString(),
        ".keras": b"".join(pieces([LAYER])),
        ".weights.h5": b"".join(bare_pieces([LAYER])),
        ".safetensors": save(named),
    }
    kept = {path.name: path.read_bytes() for path in sorted(DATA.iterdir())}
    return made | kept


def spoilt(whole, rng):
    """Cut short, with bytes replaced, doubled or taken away."""
    raw = bytearray(whole)
    for _change in range(rng.integers(1, 6)):
        at = int(rng.integers(len(raw) + 1))
        match rng.integers(5):
            case 0 if at < len(raw):
                raw[at] = rng.integers(256)
            case 1:
                raw[at : at + 4] = rng.choice([b"\xff" * 4, b"\0" * 4, b"9999", b"\x7f" * 4])
            case 2:
                raw[at:at] = raw[at : at + int(rng.integers(1, 64))]
            case 3:
                del raw[at : at + int(rng.integers(1, 64))]
            case _ if rng.random() < 0.2:
                del raw[at:]
    return bytes(raw)


def with_weights(path):
    path.with_suffix(".bin").write_bytes(WEIGHTS)
    ncnn_asked.asked(path, SIZES)


def with_layers(path):
    path.with_suffix(".param").write_text(PARAM)
    ncnn_asked.asked(path.with_suffix(".param"), SIZES)


def readers(suffix):
    """Whoever reads such a file."""
    further = {
        ".onnx": [from_onnx, asked, mended],
        ".keras": [from_keras, asked_keras],
        ".h5": [from_keras],
        ".param": [with_weights],
        ".bin": [with_layers],
    }
    return [examine, *further.get(suffix, ())]


def mended(path):
    to = path.with_suffix(".mended")
    to.unlink(missing_ok=True)
    try:
        mend(path, to)
    except InputError:
        assert not to.exists()
        raise


def told(path):
    """The sentences; anything else is a fault of ours."""
    said = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for reader in readers(path.suffix):
            try:
                reader(path)
            except InputError as error:
                said.append(str(error))
    return said


@pytest.mark.parametrize("name", seeds())
@pytest.mark.timeout(60 + 2 * SECONDS)
def test_a_spoilt_file_is_told_in_one_sentence(name, tmp_path):
    whole, path = seeds()[name], tmp_path / f"m{name if name[0] == '.' else Path(name).suffix}"
    rng, until, rounds = np.random.default_rng(0), time.monotonic() + SECONDS / len(seeds()), 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    while rounds < ROUNDS or time.monotonic() < until:
        rounds += 1
        path.write_bytes(spoilt(whole, rng))
        assert all(len(one) < 2000 for one in told(path))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert 1024 * (after - before) < MOST_MEMORY
