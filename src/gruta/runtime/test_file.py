"""A model file is whole, known and small enough, or it is refused in one sentence."""

import copy
import hashlib
import json
import resource
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load as load_tensors

from gruta.errors import InputError
from gruta.runtime import file
from gruta.runtime.blocks import step_of
from gruta.runtime.file import COUNTED, Contents
from gruta.runtime.weights import KINDS, SCALE, Weights, as_stored, float32, plain, storage_of

RNG = np.random.default_rng(0)
WEIGHTS = {
    "a.weight": RNG.normal(size=(7, 5)).astype("f"),
    "a.bias": RNG.normal(size=7).astype("f"),
    "zero.weight": np.zeros((2, 3), "f"),
    "none.weight": np.zeros((0, 3), "f"),
    "linear.on_lags": RNG.normal(size=(3, 4)).astype("f"),
}


def contents(kind="float32", **changed):
    counts = {f"{COUNTED}first": plain(np.arange(5, dtype=np.int32))}
    parts = {
        "task": "classify",
        "weights": kind,
        "architecture": {"hidden": 7},
        "codec": {"labels": ["á", "b"]},
        "units": {"input": "text"},
        "tensors": as_stored(WEIGHTS, kind, exact=["linear."]) | counts,
        "version": "0.1.0",
    }
    return Contents(**parts | changed)


RAW = contents().to_bytes()


def headed(header, tensors=b""):
    """A file with this header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + tensors


def header_of(raw):
    size = int.from_bytes(raw[:8], "little")
    return json.loads(raw[8 : 8 + size])


def about(**changed):
    """The header of a file, with other metadata."""
    size = int.from_bytes(RAW[:8], "little")
    header = header_of(RAW)
    metadata = header["__metadata__"] | changed
    header["__metadata__"] = {k: v for k, v in metadata.items() if v is not None}
    return headed(header, RAW[8 + size :])


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_written_is_read(kind, tmp_path):
    path = tmp_path / "m.gruta"
    file.save(path, contents(kind))
    found = file.load(path)
    assert (found.task, found.weights, found.version) == ("classify", kind, "0.1.0")
    assert (found.architecture, found.codec) == ({"hidden": 7}, {"labels": ["á", "b"]})
    np.testing.assert_array_equal(found.counted["first"], np.arange(5))
    near = {"float32": 0, "float16": 2**-11, "bfloat16": 2**-8, "int8": 1 / 254}[kind]
    assert found.network.keys() == WEIGHTS.keys()
    for name, weight in WEIGHTS.items():
        exact = kind == "float32" or weight.ndim == 1 or name.startswith("linear")
        largest = np.abs(weight).max(axis=-1, initial=0, keepdims=True)
        off = np.abs(found.network[name] - weight)
        assert (off <= (0 if exact else 1.001 * near * largest)).all()
        assert found.network[name].dtype == np.float32


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_inside_another_comes_back_with_all_that_it_is(kind):
    inner = contents(kind, task="translate", codec={"a": 1}, version="0.0.9")
    found = file.parse(contents(tensors=as_stored(WEIGHTS, "int8"), inner=inner).to_bytes())
    assert found.network.keys() == WEIGHTS.keys()
    assert found.network.small
    own = found.inner
    assert (own.task, own.weights, own.codec, own.version) == ("translate", kind, {"a": 1}, "0.0.9")
    np.testing.assert_array_equal(own.counted["first"], np.arange(5))
    assert own.network.small == file.parse(inner.to_bytes()).network.small
    for name, weight in inner.network.items():
        np.testing.assert_array_equal(own.network[name], weight)
    lone = file.parse(own.to_bytes())
    assert lone.digest == own.digest == inner.digest == replace(inner, version="9").digest
    assert lone.digest != replace(lone, codec={"a": 2}).digest
    with pytest.raises(ValueError, match="has none inside itself"):
        contents(inner=replace(inner, inner=lone)).to_bytes()


def test_int8_of_the_first_version_computes_as_it_did_inside_another():
    numbers, scale = np.array([[64, -3]], np.int8), np.array([2.0], "f")
    tensors = {"w": plain(numbers), f"w{SCALE}": plain(scale)}
    old = contents("int8", tensors=tensors, format=1)
    found = file.parse(contents(inner=old).to_bytes()).inner.network
    np.testing.assert_array_equal(found["w"], [[128, -6]])
    assert not found.small


@pytest.mark.parametrize(
    ("inner", "message"),
    [
        ("[]", "inner: expected an object in JSON"),
        ("{}", "inner: expected the texts architecture, codec, gruta_version, task, units"),
        (json.dumps(dict.fromkeys(file.FIELDS[2:-1], 1)), "inner: expected the texts"),
        (json.dumps(dict.fromkeys(file.FIELDS[2:-1], "{")), "architecture: expected an object"),
    ],
)
def test_a_model_inside_that_is_none_is_refused(inner, message):
    fields = header_of(RAW)["__metadata__"] | {"format_version": "3", "inner": inner}
    del fields["checksum"]
    with pytest.raises(InputError, match=f"m.gruta: {message}"):
        file.parse(file.packed(fields, {}), "m.gruta")


def test_any_reader_of_safetensors_gets_at_the_tensors():
    found = load_tensors(RAW)
    for name, weight in WEIGHTS.items():
        np.testing.assert_array_equal(found[name], weight)


def test_numbers_that_float16_lacks_stay_whole():
    weight = np.array([[1e5, 1e-3]], "f")
    np.testing.assert_array_equal(float32(as_stored({"w": weight}, "float16"))["w"], weight)


REFUSED = {
    b"": "its header should have 0 bytes, the file has 0 in all",
    RAW[:7]: "its header should have .* bytes, the file has 7 in all",
    RAW[:-1]: "not a whole file",
    RAW + b"\0": "not a whole file",
    (2**63).to_bytes(8, "little") + b"{}": "its header should have 9,223,372,036,854,775,808",
    headed(b"{" + b" " * 2**26): "a header of 67,108,865 bytes, the limit is 67,108,864",
    headed(b'{"a":[' + b"[]," * 2**22 + b"0]}"): "a header of 8,388,.* values",
    headed(b"[" * 10_000): "not a whole file",
    headed(b'{"__metadata__":{"format":"gruta-model"},"a":{"dtype":"F32","shape":[9],'
           b'"data_offsets":[0,4]}}', bytes(4)): "not a whole file",
    headed({"a": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 4]}}, bytes(4)):
        "not a whole file",
    headed({}): "expected a file of the kind 'gruta-model', found None",
    headed({"__metadata__": {"format": "pt"}}): "of the kind 'gruta-model', found 'pt'",
    about(format_version="4", gruta_version="9.9"): r"version '4', .* reads 1, 2, 3; .* \(9.9\)",
    about(format_version="3"): "unknown fields: none; missing fields: inner",
    about(colour="red", task=None): "unknown fields: colour; missing fields: task",
    about(task="forecast"): "the checksum is of other contents",
    about(codec='{"labels": ["b"]}'): "the checksum is of other contents",
}  # fmt: skip


@pytest.mark.parametrize("raw", REFUSED, ids=range(len(REFUSED)))
def test_what_is_no_model_file_is_refused_and_named(raw, tmp_path):
    (tmp_path / "m.gruta").write_bytes(raw)
    with pytest.raises(InputError, match=f"m.gruta: .*{REFUSED[raw]}"):
        file.load(tmp_path / "m.gruta")


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    with open(tmp_path / "m.gruta", "wb") as sparse:
        sparse.truncate(file.MOST_BYTES + 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError, match=r"m\.gruta: not a whole file .*larger than 2,147,483,648"):
        file.load(tmp_path / "m.gruta")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
    monkeypatch.setattr(file, "MOST_BYTES", 99)
    with pytest.raises(InputError, match=r"model: not a whole file .*larger than 99 bytes"):
        file.parse(RAW)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(RAW) * 8 - 1))
def test_a_bit_that_was_flipped_is_seen(bit):
    spoilt = bytearray(RAW)
    spoilt[bit // 8] ^= 1 << bit % 8
    with pytest.raises(InputError, match=r"^m.gruta: "):
        file.parse(bytes(spoilt), "m.gruta")


def test_directories_and_what_is_not_there_are_told(tmp_path):
    with pytest.raises(InputError, match="expected a model file, found a directory; gruta export"):
        file.load(tmp_path)
    with pytest.raises(InputError, match="expected a model file, found none"):
        file.load(tmp_path / "none.gruta")


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"w": plain(np.ones((2, 2), np.int8))}, "w: expected a scale in float32 for each row"),
        ({"w": plain(np.ones(2, np.int64))}, "w: expected weights in floating point or int8"),
        ({"w": plain(np.full((1, 1), np.nan, "f"))}, "w: expected finite numbers"),
    ],
)
def test_weights_that_cannot_compute_are_named(tensors, message):
    found = file.parse(contents(tensors=tensors).to_bytes())
    with pytest.raises(ValueError, match=message):
        _ = found.network


def in_int8(*rows):
    q = np.array(rows, np.int8)
    return {"w": plain(q), "w" + SCALE: plain(np.full(len(q), 0.5, "f"))}


def test_int8_that_is_not_scaled_by_its_largest_is_refused_by_tensor_and_row():
    fine = in_int8([127, 3], [0, 0], [-127, 127])
    found = file.parse(contents("int8", tensors=fine).to_bytes()).network
    np.testing.assert_array_equal(found["w"], [[63.5, 1.5], [0, 0], [-63.5, 63.5]])
    for odd in ([126, 3], [-128, 1], [0, 1]):
        raw = contents("int8", tensors=in_int8([127, 3], odd)).to_bytes()
        with pytest.raises(InputError, match=r"^m.gruta: w, row 1: expected int8 whose largest"):
            file.parse(raw, "m.gruta")
    old = contents("int8", tensors=in_int8([126, 3]), format=1).to_bytes()
    np.testing.assert_array_equal(file.parse(old).network["w"], [[63, 1.5]])


@pytest.mark.parametrize("shape", [(0, 3), (2, 0)])
def test_int8_without_numbers_has_no_row_that_is_off(shape):
    none = {"w": plain(np.zeros(shape, np.int8)), "w" + SCALE: plain(np.ones(shape[0], "f"))}
    assert file.parse(contents("int8", tensors=none).to_bytes()).network["w"].shape == shape


def test_every_row_that_is_written_can_be_read():
    sizes = 2.0 ** np.arange(-148, 127, dtype=np.float64)[:, None]
    w = (RNG.normal(size=(len(sizes), 9)) * sizes / 4).astype("f")
    file.parse(contents("int8", tensors=as_stored({"w": w}, "int8")).to_bytes())


def test_weights_put_together_or_copied_know_how_they_are_stored():
    a, b = np.ones((1, 1), "f"), np.zeros((1, 1), "f")
    some = Weights({"a": a, "b": b}, {"a": "int8", "b": "float16"})
    assert some.copy().small == copy.copy(some).small == {"a": "int8", "b": "float16"}
    assert (some | {"b": a, "c": a}).small == {"a": "int8"}
    assert ({"a": b, "c": a} | some).small == {"a": "int8", "b": "float16"}
    assert (some | Weights({"c": a}, {"c": "int8"})).small == {**some.small, "c": "int8"}
    some |= {"a": b}
    assert some.small == {"b": "float16"}
    assert some["a"] is b


@pytest.mark.parametrize(("H", "kept"), [(295, None), (296, "float16")])
def test_many_numbers_of_float16_are_kept_so(H, kept):
    weights = {
        f"layer.{kind}_l0": RNG.normal(size=(3 * H, H)).astype("f") / 9
        for kind in ("weight_ih", "weight_hh")
    }
    weights |= {
        f"layer.{kind}_l0": RNG.normal(size=3 * H).astype("f") for kind in ("bias_ih", "bias_hh")
    }
    read = file.parse(contents("float16", tensors=as_stored(weights, "float16")).to_bytes()).network
    assert storage_of(read, "layer.weight_ih_l0", "layer.weight_hh_l0") == kept
    assert storage_of(read, "layer.weight_ih_l0", "layer.bias_ih_l0") is None
    x, h = RNG.normal(size=(7, 2, H)).astype("f"), np.zeros((2, H), "f")
    found, wanted = (step_of("gru", w, "layer").sequence(x, h)[0] for w in (read, dict(read)))
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_the_checksum_is_computed_as_the_format_says():
    size = int.from_bytes(RAW[:8], "little")
    header, numbers = json.loads(RAW[8 : 8 + size]), RAW[8 + size :]
    metadata = header.pop("__metadata__")
    told = metadata.pop("checksum")
    assert size % 8 == 0
    parts = [f"{name}\0{metadata[name]}\0".encode() for name in sorted(metadata)]
    for name in sorted(header):
        begin, end = header[name]["data_offsets"]
        shape = ",".join(map(str, header[name]["shape"]))
        parts.append(f"{name}\0{header[name]['dtype']}\0{shape}\0".encode() + numbers[begin:end])
    assert told == f"sha256:{hashlib.sha256(b''.join(parts)).hexdigest()}"
