import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gruta.codec.series.series import Columns, Series
from gruta.data.series import read_series
from gruta.errors import InputError

DAYS = 40
WIDE = Columns("day", known=("open",), past=("rain",), wide=("*",))


@pytest.fixture
def table() -> pl.DataFrame:
    """Forty days of three shops, of which one opens later and one closes; four days to come."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3, DAYS)).round(3)
    values[:, -4:] = np.nan
    values[0, :10] = values[1, 30:] = values[2, 20] = np.nan
    start = dt.date(2024, 2, 1)
    return pl.DataFrame(
        {
            "day": [start + dt.timedelta(days=i) for i in range(DAYS)],
            **{name: pl.Series(v).fill_nan(None) for name, v in zip("cab", values, strict=True)},
            "open": [i % 7 < 6 for i in range(DAYS)],
            "rain": rng.random(DAYS).round(3),
        }
    )


def assert_same(found: Series, expected: Series) -> None:
    order = [found.ids.index(name) for name in expected.ids]
    assert found.count == expected.count
    for i, place in enumerate(order):
        one, other = found.one(place), expected.one(i)
        assert (one.ids, one.frequency) == (other.ids, other.frequency)
        for name in ("times", "target", "known", "past"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_a_wide_table_reads_as_its_long_form(table: pl.DataFrame, tmp_path: Path) -> None:
    shared = ["day", "open", "rain"]
    long = table.unpivot(index=shared, variable_name="shop", value_name="y")
    expected = read_series(long, Columns("day", "y", ("open",), ("rain",), "shop"))
    assert_same(read_series(table, WIDE), expected)
    pandas = table.to_pandas().set_index("day").rename_axis(None)
    assert_same(read_series(pandas, WIDE), expected)
    table.write_csv(tmp_path / "t.csv", separator=";", decimal_comma=True)
    pandas.to_parquet(tmp_path / "t.parquet")
    assert_same(read_series(tmp_path / "t.csv", WIDE), expected)
    assert_same(read_series(tmp_path / "t.parquet", WIDE), expected)
    mixed = table.sample(fraction=1.0, shuffle=True, seed=1)
    assert_same(read_series(mixed, WIDE), expected)
    some = read_series(table, Columns("day", "y", ("open",), ("rain",), wide=("a", "c")))
    assert some.ids == ("c", "a")


def test_a_series_ends_with_its_last_value_where_nothing_is_known_beyond(
    table: pl.DataFrame,
) -> None:
    found = read_series(table.drop("open", "rain"), Columns("day", wide=("*",)))
    assert [(repair.count, repair.places[0]) for repair in found.repairs[:2]] == [
        (10, "2024-02-01 (c)"),
        (18, "2024-03-08 (c)"),
    ]
    assert found.ids == ("c", "a", "b")
    assert np.diff(found.starts).tolist() == [26, 30, 36]
    assert found.begins.astype("M8[D]").astype(str).tolist() == ["2024-02-11"] + ["2024-02-01"] * 2


def test_columns_without_numbers_are_left_out_and_told(table: pl.DataFrame) -> None:
    odd = table.with_columns(note=pl.lit("closed"), void=pl.lit(None), on=pl.col("day"))
    found = read_series(odd, WIDE)
    assert found.ids == ("c", "a", "b")
    told = [guess.told(lambda name: f"--{name}") for guess in found.guesses[-2:]]
    assert told == [
        "columns that are series: 3 (c, a, b) (a guess; --target overrules it)",
        "columns without numbers, left out: 3 (note, void, on) (a guess; --target overrules it)",
    ]
    with pytest.raises(InputError, match="column 'note': expected a number, found 'closed'"):
        read_series(odd, Columns("day", wide=("a", "note")))


def test_what_seems_wide_is_told_how_to_be_read(table: pl.DataFrame) -> None:
    plain = table.select("day", "a", "b")
    with pytest.raises(InputError, match="wide: says that each column is a series"):
        read_series(plain, Columns("day"), may_be_wide=True)
    with pytest.raises(InputError, match=r"expected a column 'a,b'.*wide: says that each column"):
        read_series(plain, Columns("day", "a,b"), may_be_wide=True)
    with pytest.raises(InputError) as error:
        read_series(table.with_columns(note=pl.lit("closed")), Columns("day"))
    assert not error.value.problems
    with pytest.raises(InputError, match=r"'A' for each series.*did you mean 'a'"):
        read_series(plain, Columns("day", wide=("A", "b")))
    turned = plain.with_columns(pl.col("day").cast(pl.String)).transpose(
        include_header=True, header_name="shop", column_names="day"
    )
    with pytest.raises(InputError, match="and 21 more: each row seems to be"):
        read_series(turned, Columns("day", wide=("*",)))


def test_columns_called_alike_but_for_their_number_are_series_and_that_is_told(
    table: pl.DataFrame,
) -> None:
    numbered = table.rename({"a": "shop 2", "b": "shop 3", "c": "shop 10"})
    found = read_series(numbered, replace(WIDE, wide=()), may_be_wide=True)
    assert found.ids == ("shop 10", "shop 2", "shop 3")
    assert found.guesses[-1].told(lambda name: f"--{name}") == (
        "columns that are series: 3 (shop 10, shop 2, shop 3) (a guess; --no-wide overrules it)"
    )
    with pytest.raises(InputError, match="expected a column 'y'"):
        read_series(numbered, replace(WIDE, wide=()))
    lone = read_series(numbered.rename({"shop 2": "y"}), Columns("day"), may_be_wide=True)
    assert (lone.ids, lone.columns.wide) == (("",), ())
    for other in (pl.lit("closed"), pl.col("rain")):
        with pytest.raises(InputError, match="expected a column 'y'"):
            read_series(
                numbered.with_columns(other=other), replace(WIDE, wide=()), may_be_wide=True
            )


def test_a_frame_that_pandas_pivoted_says_what_its_columns_are(table: pl.DataFrame) -> None:
    pandas = table.select("day", "a", "b").to_pandas().set_index("day").rename_axis(columns="shop")
    found = read_series(pandas, Columns(), may_be_wide=True)
    assert (found.ids, found.columns.series) == (("a", "b"), "shop")
    pandas.columns = [1, 2]
    assert read_series(pandas, Columns("day", wide=("*",))).ids == ("1", "2")
