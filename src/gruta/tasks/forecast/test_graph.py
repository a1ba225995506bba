"""A forecaster's ONNX file says what its run says, of series as the data have them."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from gruta.errors import InputError
from gruta.tasks import as_onnx
from gruta.tasks.forecast import Forecaster
from gruta.tasks.forecast.conftest import SMALL, hourly

onnx = pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def of_shops():
    """Two series with a text that is known, days that are, and a vector each."""
    frames, rng = [], np.random.default_rng(0)
    for name, size in (("a", 1.0), ("b", 2.5)):
        kind = rng.choice(["low", "mid", "top"], 420)
        own = pl.col("y") * size
        frames.append(hourly().with_columns(own, shop=pl.lit(name), size=size, kind=kind))
    how = SMALL | {"steps": 2, "validate_every": 2, "transform": "boxcox", "embedding": 3}
    how |= {"series": "shop", "static": ("size",), "known": ("plan", "kind"), "holidays": "BR-SP"}
    found = Forecaster(**how).fit(pl.concat(frames)).trained_
    for weights in found.weights.values():  # of an output that is zero at the start
        if not weights.any():
            weights += np.random.default_rng(0).normal(size=weights.shape).astype("f")
    return found


def test_all_that_a_forecaster_reads_goes_in(of_shops, tmp_path):
    found = as_onnx.write(of_shops, tmp_path / "m.onnx")
    assert found.error < 1e-5
    inputs = ["target", "series", "known", "known_texts", "holidays", "past", "calendar", "static"]
    assert list(found.inputs) == inputs
    said = {one.key: one.value for one in onnx.load(tmp_path / "m.onnx").metadata_props}
    assert json.loads(said["known_texts"]) == {"kind": ["low", "mid", "top"]}
    assert json.loads(said["series"]) == ["a", "b"]
    assert json.loads(said["rows"]) == of_shops.codec.encoding.history
    assert "--to gruta keeps that" in found.notes[0]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"gaps": True}, "it is told of gaps"),
        ({"apart": 1}, "it learns differences"),
        ({"block": 1}, "it reads its own forecasts back"),
    ],
)
def test_what_a_file_cannot_say_is_named(changes, reason, of_shops, tmp_path):
    codec = replace(of_shops.codec, encoding=replace(of_shops.codec.encoding, **changes))
    with pytest.raises(InputError, match=f"a run of forecast does not go into one: {reason}"):
        as_onnx.write(replace(of_shops, codec=codec), tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())
