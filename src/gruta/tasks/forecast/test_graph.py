"""A forecaster's ONNX file says what its run says, of series as the data have them."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from gruta.codec.series.calendar import calendar
from gruta.codec.series.infer import parse
from gruta.errors import InputError
from gruta.locale import spoken
from gruta.tasks import as_onnx
from gruta.tasks.forecast import Forecaster
from gruta.tasks.forecast.conftest import SMALL, hourly
from gruta.tasks.forecast.fed import arrays
from gruta.tasks.forecast.graph import _case, _codes

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


def test_what_is_said_in_the_file_is_english_in_every_language(of_shops):
    said = as_onnx.drawn(of_shops).said
    assert said["holidays"][0] == "holiday of BR-SP"
    with spoken("pt_BR"):
        assert as_onnx.drawn(of_shops).said == said


@pytest.mark.parametrize("step", ["1h", "1h in America/Sao_Paulo", "1d", "1w", "1 month", "1min"])
@pytest.mark.parametrize("years", [("1950-01-01", "2010-12-31"), ("2031-01-01", "2099-12-31")])
def test_series_of_any_step_begin_where_holidays_are_known(step, years, of_shops):
    own = of_shops.codec.encoding
    first, last = np.array(years, "M8[D]")
    days = replace(own.holidays, first=first, last=last)
    encoding = replace(own, frequency=parse(step), holidays=days)
    given, codes = arrays(encoding, _case(encoding, 2)), _codes(encoding)
    assert given["calendar"].shape[2] == len(codes)
    assert (given["calendar"] < [one["codes"] for one in codes]).all()
    shown = np.array([codes[0]["zero"].replace(" ", "T")], "M8[us]")
    assert calendar([encoding.frequency.moment(shown)], encoding.frequency).codes[0] == [0]


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
