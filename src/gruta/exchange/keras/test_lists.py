"""Lists in an HDF5 file are followed no further than they can go. The bytes here are no HDF5."""

import struct

import numpy as np
import pytest

from gruta.errors import InputError
from gruta.exchange.conftest import KINDS, drawn
from gruta.exchange.doctor.look import examine
from gruta.exchange.keras.hdf5 import BEGIN, HEAD, HEAP, require_ends
from gruta.exchange.keras.write import bare_pieces

START, DATA = 32, 96


@pytest.fixture
def listed(tmp_path):
    """A file of nothing but a list of places, each of which says where the next one is."""

    def write(places):
        raw = bytearray(BEGIN.ljust(512, b"\0"))
        raw[13:15] = b"\x08\x08"
        raw[START : START + 8] = HEAP.ljust(8, b"\0")
        HEAD.pack_into(raw, START + 8, 400, places[0], DATA)
        for own, following in zip(places, [*places[1:], 1], strict=True):
            if 1 < own < 400:
                struct.pack_into("<Q", raw, DATA + own, following)
        (tmp_path / "list").write_bytes(raw)
        return tmp_path / "list"

    return write


@pytest.mark.parametrize("places", [[1], [16], [32, 16, 64], [500]])
def test_a_list_that_ends_is_no_matter(places, listed):
    with listed(places).open("rb") as file:
        require_ends(file)


def test_a_list_that_has_no_end_is_refused(listed):
    path = listed([16, 32, 48])
    raw = bytearray(path.read_bytes())
    struct.pack_into("<Q", raw, DATA + 48, 16)
    path.write_bytes(raw)
    with path.open("rb") as file, pytest.raises(ValueError, match="a list in it has no end"):
        require_ends(file)


@pytest.mark.parametrize("at", [0, 8, 13, 14])
def test_what_h5py_would_not_write_is_refused(at, tmp_path):
    layer = drawn(np.random.default_rng(0), 3, 4, **KINDS["gru"])
    raw = bytearray(b"".join(bare_pieces([layer])))
    raw[at] = 4
    (tmp_path / "m.weights.h5").write_bytes(raw)
    with pytest.raises(InputError, match="no HDF5 as Keras writes it"):
        examine(tmp_path / "m.weights.h5")
