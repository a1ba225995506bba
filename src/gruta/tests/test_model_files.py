"""Model files of every format are read by every later version, and spoilt ones do no harm.

The files in model_files are the seeds. `make fuzz` looks for longer: GRUTA_FUZZ_SECONDS.
"""

import json
import os
import re
import resource
import time
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gruta
from gruta.errors import InputError
from gruta.runtime import file
from gruta.runtime.weights import KINDS, Stored
from gruta.tasks import registry
from gruta.tasks.models import door_of
from gruta.tasks.test_models import asked

FORMATS = sorted(Path(__file__).with_name("model_files").iterdir())
SEEDS = {
    f"{one.name}/{path.stem}": path.read_bytes()
    for one in FORMATS
    for path in sorted(one.glob("*.gruta"))
}
SECONDS = float(os.environ.get("GRUTA_FUZZ_SECONDS", 0))

MOST_MEMORY = 2**30
"""Bytes more that reading a file of some kilobytes may take."""


@pytest.mark.parametrize("left", FORMATS, ids=lambda path: path.name)
def test_files_of_every_format_answer_as_they_did_then(left):
    then = json.loads((left / "answers.json").read_text("utf-8"))
    for name, expected in then.items():
        found = asked(name, gruta.load(left / f"{name.replace(' ', '-')}.gruta"))
        if isinstance(found, np.ndarray):
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
        else:
            assert found == expected


def test_a_file_of_every_task_is_kept_and_of_every_kind_of_weights():
    kept = [file.parse(raw) for raw in SEEDS.values()]
    assert {one.task for one in kept} == set(registry.HOMES)
    assert {one.weights for one in kept} == set(KINDS)
    assert {path.name for path in FORMATS} == {str(one.format) for one in kept}
    for left in FORMATS:
        answers = json.loads((left / "answers.json").read_text("utf-8"))
        told = {name.replace(" ", "-") for name in answers}
        assert told == {path.stem for path in left.glob("*.gruta")}


def test_the_format_tells_of_every_task_all_that_its_files_hold():
    page = (Path(file.__file__).with_name("FORMAT.md")).read_text("utf-8")
    architectures, codecs = page.split("## Codec")
    for task in registry.HOMES:
        (row,) = re.findall(rf"^\| `{task}` \| (.*?) \|", architectures, re.MULTILINE)
        own = {one.name for one in fields(door_of(task).architecture)}
        assert {"cell", "hidden", *re.findall(r"`(\w+)`", row)} == own
        assert f"| `{task}` | `" in codecs


def refused_or_read(raw):
    """A model, or one clear sentence; anything else is a fault of ours."""
    told = "model: "
    try:
        model = gruta.loads(raw)
    except InputError as error:
        told = str(error)
    else:
        assert model.head is not None
    assert told.startswith("model: ")
    assert len(told) < 2000


ODD = st.one_of(
    st.sampled_from(
        [None, True, False, -1, 0, 1, 7, 2**15, 2**31, 2**63, -(2**63), 1e-308, 1e308, 0.5, "", "a"]
    ),
    st.sampled_from([float("nan"), float("inf"), [], {}, [[]], [1, 2], {"a": 1}, "\ud800", "1d"]),
    st.sampled_from(["gru", "lstm", "America/Sao_Paulo", "1h in ../../etc", "row (1)", "9" * 400]),
    st.integers(),
    st.lists(st.integers(0, 9), max_size=40),
)


@st.composite
def changed_json(draw, content):
    """JSON in which something is another value, lacks, or comes twice."""
    content = json.loads(json.dumps(content))
    at, places = content, []
    for _depth in range(draw(st.integers(0, 4))):
        keys = list(at) if isinstance(at, dict) else range(min(len(at), 8))
        inner = [key for key in keys if isinstance(at[key], dict | list) and at[key]]
        if not inner:
            break
        places.append(draw(st.sampled_from(inner)))
        at = at[places[-1]]
    if not at:
        return content
    key = draw(st.sampled_from(list(at) if isinstance(at, dict) else list(range(len(at)))))
    match draw(st.integers(0, 3)):
        case 0:
            del at[key]
        case 1 if isinstance(at, list):
            at.extend(at[: draw(st.integers(1, 9))])
        case 2 if isinstance(at, dict):
            at[draw(st.text(max_size=6))] = draw(ODD)
        case _:
            at[key] = draw(ODD)
    return content


@st.composite
def changed_tensors(draw, tensors):
    """Tensors of which one lacks, is called otherwise, or has other numbers, shape or dtype."""
    tensors = dict(tensors)
    name = draw(st.sampled_from(sorted(tensors)))
    one = tensors.pop(name)
    match draw(st.integers(0, 5)):
        case 0:
            pass
        case 1:
            tensors[draw(st.text(max_size=9))] = one
        case 2:
            tensors[name] = Stored(one.dtype, one.array.reshape(-1))
        case 3:
            tensors[name] = Stored(one.dtype, one.array[: draw(st.integers(0, 3))])
        case 4:
            dtype, kind = draw(st.sampled_from([("F64", "f8"), ("I64", "i8"), ("I8", "i1")]))
            tensors[name] = Stored(dtype, np.nan_to_num(one.array).astype(kind))
        case _:
            odd = draw(st.sampled_from([np.nan, np.inf, -1, 2**31 - 1, 3e38, 255, 0]))
            with np.errstate(all="ignore"):
                array = np.full(one.array.shape, odd).astype(one.array.dtype)
            tensors[name] = Stored(one.dtype, array)
    return tensors


def header_of(raw):
    size = int.from_bytes(raw[:8], "little")
    return json.loads(raw[8 : 8 + size])["__metadata__"]


@st.composite
def contradictory(draw):
    """A file whose checksum is right, and whose parts are not of one network."""
    contents = file.parse(SEEDS[draw(st.sampled_from(sorted(SEEDS)))])
    nested = contents.inner is not None
    plain = {
        "format": file.KIND,
        "format_version": str(file.NESTED if nested else file.WHOLE),
        "gruta_version": contents.version,
        "task": contents.task,
        "weights": contents.weights,
    }
    json_parts = {
        "architecture": dict(contents.architecture),
        "codec": dict(contents.codec),
        "units": dict(contents.units),
    }
    tensors = dict(contents.tensors)
    inside = {}
    if nested:
        inside = json.loads(header_of(contents.to_bytes())["inner"])
        json_parts["inner"] = dict(inside)
        tensors |= {file.INNER + name: one for name, one in contents.inner.tensors.items()}
    for _change in range(draw(st.integers(1, 2))):
        parts = [*json_parts, "codec", "tensors", "field"]
        which = draw(st.sampled_from(parts))
        if which == "tensors":
            tensors = draw(changed_tensors(tensors))
        elif which == "field":
            plain[draw(st.sampled_from(sorted(plain)))] = draw(st.text(max_size=9))
        elif which == "inner":  # a text for each of its fields, some of which are JSON
            name = draw(st.sampled_from(["architecture", "codec", "task", "units"]))
            content = inside[name]
            if name != "task":
                content = json.dumps(draw(changed_json(json.loads(content))))
            json_parts["inner"][name] = draw(st.sampled_from([content, content[:-1], 5]))
        else:
            json_parts[which] = draw(changed_json(json_parts[which]))
    told = plain | {name: json.dumps(content) for name, content in json_parts.items()}
    return file.packed(told, tensors)


@st.composite
def spoilt(draw):
    """A file that was cut, of which bits were flipped, or in which bytes stand that are not its."""
    raw = bytearray(SEEDS[draw(st.sampled_from(sorted(SEEDS)))])
    match draw(st.integers(0, 3)):
        case 0:
            del raw[draw(st.integers(0, len(raw) - 1)) :]
        case 1:
            for _flip in range(draw(st.integers(1, 8))):
                bit = draw(st.integers(0, 8 * min(len(raw), 4000) - 1))
                raw[bit // 8] ^= 1 << bit % 8
        case 2:
            raw[:8] = draw(st.integers(0, 2**64 - 1)).to_bytes(8, "little")
        case _:
            at = draw(st.integers(0, len(raw)))
            raw[at:at] = draw(st.binary(max_size=64))
    return bytes(raw)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(spoilt() | contradictory() | st.binary(max_size=200))
def look_for_harm(raw):
    refused_or_read(raw)


@pytest.mark.timeout(60 + 2 * SECONDS)
@pytest.mark.filterwarnings("error")
def test_spoilt_files_give_one_clear_error_in_bounded_memory():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    end = time.monotonic() + SECONDS
    look_for_harm()
    while time.monotonic() < end:
        look_for_harm()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert after - before < MOST_MEMORY


HUGE = {
    "1/classify-texts": ("architecture", "hidden", 2**30),
    "1/classify-series": ("architecture", "layers", 1000),
    "1/generate": ("architecture", "embedding", 2**30),
    "1/translate-texts": ("architecture", "layers", 999),
    "1/transcribe-sounds": ("architecture", "filters", 2**30),
    "1/caption-pictures": ("architecture", "size", 2**15),
    "1/vocode": ("architecture", "hidden", 2**30),
    "1/forecast": ("codec", "encoding", "horizon", 2**40),
}


@pytest.mark.parametrize("seed", HUGE)
def test_huge_sizes_that_a_file_claims_take_no_memory(seed):
    part, *where, key, value = HUGE[seed]
    contents = file.parse(SEEDS[seed])
    content = at = json.loads(json.dumps(getattr(contents, part)))
    for name in where:
        at = at[name]
    at[key] = value
    huge = replace(contents, **{part: content})
    with pytest.raises(InputError, match="model: its parts do not fit together"):
        gruta.loads(huge.to_bytes())
    with pytest.raises(InputError, match="model: its parts do not fit together"):
        gruta.loads(replace(file.parse(SEEDS["3/speak-phonemes"]), inner=huge).to_bytes())
