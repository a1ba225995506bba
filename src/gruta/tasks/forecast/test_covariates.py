"""Covariates of text, and those that a series has as a whole."""

import datetime as dt
import json

import numpy as np
import polars as pl
import pytest

from gruta.errors import InputError
from gruta.tasks.forecast import Forecaster

SMALL = {"horizon": 7, "hidden": 4, "steps": 8, "batch_size": 8, "log_every": 4, "lookback": 14}
SHIFTS = {"none": 0.0, "sale": 40.0, "closed": -60.0}


def daily(rows=500, name="a", height=100.0, seed=0, first=0):
    """A week, and days that are nothing special, a sale, or closed."""
    rng = np.random.default_rng(seed)
    days = [dt.date(2021, 1, 1) + dt.timedelta(days=first + i) for i in range(rows)]
    events = rng.choice(list(SHIFTS), rows, p=[0.8, 0.1, 0.1])
    week = 10 * np.sin(2 * np.pi * (first + np.arange(rows)) / 7)
    y = height + week + np.array([SHIFTS[event] for event in events]) + rng.normal(size=rows)
    cells = [None if event == "none" else str(event) for event in events]
    return pl.DataFrame({"ds": days, "y": y, "event": cells, "shop": [name] * rows})


def coming(frame, *events):
    """`frame`, whose last rows have no value yet, and these events."""
    unknown = pl.int_range(pl.len()) >= pl.len() - len(events)
    cells = frame["event"].to_list()[: -len(events)] + list(events)
    return frame.with_columns(
        y=pl.when(unknown).then(None).otherwise("y"), event=pl.Series(cells, dtype=pl.String)
    )


def forecasts(forecaster, frame):
    return forecaster.predict(frame)["forecast"].to_numpy()


@pytest.fixture(scope="module")
def fitted():
    return Forecaster(**SMALL, known=("event",)).fit(daily())


def test_a_column_of_texts_is_one_column_for_each(fitted):
    encoding = fitted.trained_.codec.encoding
    assert encoding.known.labels == ["event = closed", "event = sale"]
    assert encoding.empty_table().known.shape == (0, 2)
    assert len(encoding.future_names()) == encoding.empty_table().future_width
    usual = coming(daily(), *[None] * 7)
    found = forecasts(fitted, coming(daily(), None, "sale", "closed", *[None] * 4))
    assert found - forecasts(fitted, usual) == pytest.approx([0, 40, -60, 0, 0, 0, 0], abs=6)


def test_a_text_that_training_did_not_see_is_none_of_them(fitted):
    usual = coming(daily(), *[None] * 7)
    for cell in ("flood", "12"):
        assert (forecasts(fitted, coming(daily(), *[cell] * 7)) == forecasts(fitted, usual)).all()
    numbers = usual.with_columns(event=pl.lit(None, pl.Float64))
    assert np.isfinite(forecasts(fitted, numbers)).all()


def test_texts_survive_saving_and_missing_days_and_days_twice(fitted, tmp_path):
    fitted.save(tmp_path / "run")
    loaded = Forecaster.load(tmp_path / "run")
    frame = coming(daily(), *["sale"] * 7)
    assert (forecasts(loaded, frame) == forecasts(fitted, frame)).all()
    gaps = pl.concat([frame[:200], frame[202:], frame[300:303]])
    assert np.isfinite(forecasts(loaded, gaps)).all()
    words = loaded.trained_.codec.encoding.words
    assert words == {"event"}
    assert json.loads((tmp_path / "run" / "codec.json").read_text())["encoding"]["known"]["levels"]


def test_what_was_a_number_is_not_read_as_text(fitted):
    frame = daily().with_columns(event=pl.int_range(pl.len()).cast(pl.Float64) % 3)
    numbers = Forecaster(**SMALL, past=("event",)).fit(frame)
    with pytest.raises(InputError, match="column 'event': expected a number, found 'sale'"):
        numbers.predict(daily().with_columns(event=pl.lit("sale")))


def test_slips_among_numbers_and_too_many_texts_are_refused():
    typed = daily().with_columns(event=pl.int_range(pl.len()).cast(pl.String))
    slip = typed.with_columns(
        event=pl.when(pl.int_range(pl.len()) == 3).then(pl.lit("x")).otherwise("event")
    )
    with pytest.raises(InputError, match="row 4, column 'event': expected a number, found 'x'"):
        Forecaster(**SMALL, known=("event",)).fit(slip)
    many = typed.with_columns(event=pl.lit("n") + pl.col("event"))
    with pytest.raises(
        InputError, match=r"'event': expected numbers, or up to 50 different texts, found"
    ):
        Forecaster(**SMALL, known=("event",)).fit(many)


def test_a_later_text_does_not_change_what_training_sees():
    task, settings = Forecaster.task, Forecaster(**SMALL, known=("event",)).settings
    frame = daily()
    other = frame.with_columns(event=pl.Series([*frame["event"].to_list()[:-1], "a new one"]))
    first, second = (task.read(f, settings).fingerprint() for f in (frame, other))
    assert first == second
    swapped = frame.with_columns(
        event=pl.col("event").replace({"sale": "closed", "closed": "sale"})
    )
    assert task.read(swapped, settings).fingerprint() != first


def shops(seeds, rows=120):
    """Shops of two kinds, which the season of one moves up and of the other down."""
    parts = []
    for seed in seeds:
        kind = "beach" if seed % 2 else "slope"
        own = daily(rows, f"shop {seed}", seed=seed)
        year = np.arange(rows) / 40
        sign = 1 if kind == "beach" else -1
        y = 50 + 20 * sign * np.sin(2 * np.pi * year) + own["y"].to_numpy() * 0
        noise = np.random.default_rng(seed).normal(size=rows)
        parts.append(own.with_columns(y=y + noise, kind=pl.lit(kind), size=pl.lit(float(seed))))
    return pl.concat(parts)


PANEL = SMALL | {"series": "shop", "static": ("kind", "size"), "lookback": 3, "horizon": 2}


@pytest.fixture(scope="module")
def panel():
    return Forecaster(**PANEL).fit(shops(range(8)))


def test_what_a_series_has_as_a_whole_stands_at_each_step(panel):
    encoding = panel.trained_.codec.encoding
    assert encoding.static.labels == ["size", "kind = beach", "kind = slope"]
    series = Forecaster.task.open(shops([3, 4]), panel.settings, panel.trained_.codec)
    found = encoding.table(series).calendar.take(np.array([0, 119, 120]))[:, -3:]
    assert found[:, 1:].tolist() == [[1, 0], [1, 0], [0, 1]]
    assert found[0, 0] == found[1, 0] < found[2, 0]
    assert len(encoding.future_names()) == encoding.empty_table().future_width


def test_a_series_never_seen_is_known_by_it_and_an_unknown_kind_is_none(panel, tmp_path):
    panel.save(tmp_path / "run")
    loaded = Forecaster.load(tmp_path / "run")
    new = shops([21])
    as_it_is = forecasts(loaded, new)
    assert (as_it_is == forecasts(panel, new)).all()
    other = forecasts(loaded, new.with_columns(kind=pl.lit("slope")))
    unknown = forecasts(loaded, new.with_columns(kind=pl.lit("moon")))
    assert (other != as_it_is).any()
    assert np.isfinite(unknown).all()
    lacking = new.with_columns(size=pl.lit(None, pl.Float64), kind=pl.lit(None, pl.String))
    assert np.isfinite(forecasts(loaded, lacking)).all()


def test_a_series_of_two_kinds_is_refused_and_a_lone_one_has_none():
    frame = shops(range(3))
    at = pl.int_range(pl.len()) == 130
    torn = frame.with_columns(kind=pl.when(at).then(pl.lit("moon")).otherwise("kind"))
    expected = r"row 131, column 'kind': expected one value .* 'shop 1', found 'beach' and 'moon'"
    with pytest.raises(InputError, match=expected):
        Forecaster(**PANEL).fit(torn)
    with pytest.raises(InputError, match="static: expected several series"):
        Forecaster(**PANEL | {"series": ""}).fit(frame.filter(shop="shop 1"))
