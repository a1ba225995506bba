import datetime as dt
import re
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gruta.codec.series.series import Columns, Series
from gruta.data import columns
from gruta.data.series import read_series
from gruta.errors import InputError

COLUMNS = Columns(known=("workday",), past=("temp",))
TO_COME = 4
Write = Callable[[str | bytes], Path]


@pytest.fixture
def frame() -> pl.DataFrame:
    """Fifty half-hours; in the last four neither target nor temperature is known yet."""
    rng = np.random.default_rng(0)
    start = dt.datetime(2024, 2, 28, 12)
    hidden: list[float | None] = [None] * TO_COME
    return pl.DataFrame(
        {
            "ds": [start + dt.timedelta(minutes=30 * i) for i in range(50)],
            "y": rng.normal(size=46).tolist() + hidden,
            "workday": [i % 3 == 0 for i in range(50)],
            "temp": rng.normal(size=46).tolist() + hidden,
            "note": ["anything"] * 50,
        }
    )


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: str | bytes) -> Path:
        path = tmp_path / "series.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def daily(*values: object) -> str:
    """A CSV file with a value a day from 2024-02-28."""
    days = pl.date_range(dt.date(2024, 2, 28), dt.date(2024, 12, 31), eager=True)
    return "ds,y\n" + "".join(f"{d},{v}\n" for d, v in zip(days, values, strict=False))


def stamped(*stamps: str) -> str:
    """A CSV file with these stamps and values that vary."""
    return "ds,y\n" + "".join(f"{stamp},{i}\n" for i, stamp in enumerate(stamps))


def assert_same(found: Series, expected: Series) -> None:
    for name in ("times", "target", "known", "past"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
        assert getattr(found, name).dtype == getattr(expected, name).dtype
    assert found.frequency == expected.frequency
    assert found.fingerprint() == expected.fingerprint()


def test_arrays_hold_what_the_frame_held(frame: pl.DataFrame) -> None:
    series = read_series(frame, COLUMNS)
    assert series.times.dtype == np.dtype("M8[us]")
    assert series.times[[0, -1]].tolist() == [frame["ds"][0], frame["ds"][-1]]
    assert series.target[:46].tolist() == frame["y"][:46].to_list()
    assert np.isnan(series.target[46:]).all()
    assert series.known.tolist() == [[float(day)] for day in frame["workday"]]
    assert series.past[:46, 0].tolist() == frame["temp"][:46].to_list()
    assert (series.observed, len(series), series.frequency.name) == (46, 50, "30min")
    assert series.source == "frame"


def test_every_way_in_gives_the_same_series(frame: pl.DataFrame, tmp_path: Path) -> None:
    expected = read_series(frame, COLUMNS)
    pandas = frame.to_pandas()
    frame.write_csv(tmp_path / "polars.csv")
    pandas.to_csv(tmp_path / "pandas.csv", index=False)
    frame.write_csv(tmp_path / "bom.csv", include_bom=True, line_terminator="\r\n")
    frame.write_csv(tmp_path / "brazil.CSV", separator=";", decimal_comma=True)
    frame.write_parquet(tmp_path / "polars.parquet")
    pandas.to_parquet(tmp_path / "pandas.parquet")
    for name in ("polars.csv", "pandas.csv", "bom.csv", "brazil.CSV", "polars.parquet"):
        assert_same(read_series(tmp_path / name, COLUMNS), expected)
    assert_same(read_series(str(tmp_path / "pandas.parquet"), COLUMNS), expected)
    assert_same(read_series(pandas, COLUMNS), expected)
    assert_same(read_series(pandas.astype(object), COLUMNS), expected)
    assert_same(read_series(frame.to_arrow(), COLUMNS), expected)
    nanoseconds = frame.with_columns(pl.col("ds").dt.cast_time_unit("ns"))
    assert_same(read_series(nanoseconds, COLUMNS), expected)


def test_a_column_that_training_had_under_another_name_is_asked_to_be_renamed(
    frame: pl.DataFrame,
) -> None:
    renamed = frame.rename({"y": "demand"})
    with pytest.raises(InputError, match=r"as in training, .* rename the column .*'demand'"):
        read_series(renamed, COLUMNS, words=())
    with pytest.raises(InputError, match=r"name it with the setting target.*'demand'"):
        read_series(renamed, COLUMNS)


def test_stamps_with_a_zone_become_utc(frame: pl.DataFrame, write: Write) -> None:
    expected = read_series(frame, COLUMNS)
    local = pl.col("ds").dt.replace_time_zone("UTC").dt.convert_time_zone("America/Sao_Paulo")
    found = read_series(frame.with_columns(local), COLUMNS)
    assert found.fingerprint() == expected.fingerprint()
    assert found.frequency.key == f"{expected.frequency.name} in America/Sao_Paulo"
    # Clocks go back: 01:30 comes twice, told apart by the offset.
    text = stamped("2024-10-27T01:30+01:00", "2024-10-27T01:00Z", "2024-10-27T01:30:00.0+0000")
    times = read_series(write(text), Columns()).times
    expected_times = ["2024-10-27T00:30", "2024-10-27T01:00", "2024-10-27T01:30"]
    np.testing.assert_array_equal(times, np.array(expected_times, "M8[us]"))


def test_stamps_of_a_month_and_of_a_pandas_period(write: Write) -> None:
    text = read_series(write(stamped("2024-01", "2024-02", "2024-03")), Columns())
    periods = pd.DataFrame({"ds": pd.period_range("2024-01", periods=3, freq="M"), "y": [0, 1, 2]})
    assert_same(read_series(periods, Columns()), text)
    assert text.frequency.name == "1 month"


def test_rows_are_a_series_of_their_own(frame: pl.DataFrame) -> None:
    series = read_series(frame, COLUMNS)
    part = series.until(np.array([44]))
    assert_same(part, read_series(frame[:44], COLUMNS))
    assert part.observed == 44


def test_fingerprint_tells_a_changed_value_name_or_stamp(frame: pl.DataFrame) -> None:
    changed = [
        frame.with_columns(pl.col("y") + 1e-15),
        frame.with_columns(~pl.col("workday")),
        frame.with_columns(pl.col("temp").reverse().forward_fill().backward_fill()),
        frame.with_columns(pl.col("ds") + dt.timedelta(microseconds=1)),
    ]
    prints = {read_series(one, COLUMNS).fingerprint() for one in [frame, *changed]}
    renamed = Columns(known=("day",), past=("temp",))
    prints.add(read_series(frame.rename({"workday": "day"}), renamed).fingerprint())
    assert len(prints) == 6


def test_every_nan_has_the_same_fingerprint(frame: pl.DataFrame) -> None:
    other_nan = frame.with_columns(pl.col("y", "temp").fill_null(np.copysign(np.nan, -1)))
    assert_same(read_series(other_nan, COLUMNS), read_series(frame, COLUMNS))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "expected a line of column names first, found none"),
        ("\n", "expected a line of column names first, found none"),
        ("ds,y\n", "expected at least 3 rows, found 0"),
        (daily(1, 2), "expected at least 3 rows, found 2"),
        (bytes(range(256)), "expected text, found bytes that are none, first byte 1"),
        (daily(1, 2, "é").encode("latin1"), "row 3, column 'y': expected a number, found 'é'"),
        (daily(1, "2,5", 3), "row 2: expected 2 cells as in the header, found 3"),
        (daily(1, '"2', 3), "row 2: .*; look for a quote that is not closed"),
        (
            "time,Y\n2024-01-01,2\n",
            "expected a column 'ds', found 'time', 'Y'; name it with the setting time; .* 'time'",
        ),
        ("ds;Y\n1;2\n", r"expected a column 'y', found 'ds', 'Y'.* target; is it 'Y'\?"),
        ("ds,y2\n1,2\n", r"found 'ds', 'y2'; name it with the setting target; is it 'y2'\?"),
        ("ds,y,y\n1,2,3\n", "the column 'y' is there twice; rename one"),
        (daily(1, "2x", 3), "row 2, column 'y': expected a number, found '2x'; correct it"),
        (daily(1, 2, "1_0"), "row 3, column 'y': expected a number, found '1_0'"),
        (daily(1, 2, "-inf"), "row 3, column 'y': expected a number, found -inf"),
        (daily(1, 2, 3, "1e999", ""), "row 4, column 'y': expected a number, found inf"),
        (daily(1, 2, "", ""), "column 'y': expected at least 3 rows with a value, found 2"),
        (daily(5, 5.0, "5", ""), "expected a target that varies, found 5 in every row"),
        (stamped("2024-01-01", "", "2024-01-03"), "row 2, column 'ds': .*found no stamp"),
        (stamped("2023-02-28", "2023-02-29", "2023-03-01"), "row 2, .*found '2023-02-29'"),
        (
            stamped("01/02/2024", "02/02/2024", "03/02/2024"),
            "row 1, .*'01/02/2024' reads as 2024-02-01 and as 2024-01-02, .*say day-first or",
        ),
        (stamped("1", "2", "3.5"), "row 1, column 'ds': expected a stamp .*, found '1'"),
        (
            stamped("2024-01-01", "2024-01-02T00:00Z", "2024-01-03"),
            "row 2, column 'ds': expected a zone in every stamp or in none, found '2024-01-02T00",
        ),
        (
            stamped("2024-01-01", "2024-01-01", "2024-01-02", "2024-01-02", "2024-01-03"),
            "row 2, column 'ds': 2 of 5 rows have a stamp that another row has.*several series",
        ),
        (
            stamped("2024-01-01", "2024-01-01 01:00", "2024-01-01 01:20", "2024-01-01 02:20"),
            "row 3, .*expected 2024-01-01 01:00 or 2024-01-01 02:00, as most steps are 1h, found "
            "2024-01-01 01:20; remove the row or move its stamp",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_told_where_and_why(
    write: Write, content: str | bytes, message: str
) -> None:
    path = write(content)
    with pytest.raises(InputError, match=f"^{re.escape(str(path))}: .*{message}"):
        read_series(path, Columns())


def test_row_with_a_surplus_cell_is_refused_though_a_column_is_not_read(write: Write) -> None:
    path = write("ds,temp,y\n2024-01-01,1,10\n2024-01-02,2,11\n2024-01-03,3,5,12\n")
    with pytest.raises(InputError, match="row 3: expected 3 cells as in the header, found 4"):
        read_series(path, Columns())


def test_covariates_must_be_numbers_where_they_are_needed(frame: pl.DataFrame) -> None:
    slip = frame.with_columns(note=pl.Series(["anything", *["1.5"] * 49]))
    with pytest.raises(InputError, match=r"row 1, column 'note': .*found 'anything'"):
        read_series(slip, Columns(past=("note",)))
    with pytest.raises(InputError, match=r"row 1, column 'note': .*found 'anything'"):
        read_series(frame, Columns(past=("note",)), words=())
    with pytest.raises(InputError, match="column 'temp': expected numbers, found none; leave"):
        read_series(frame.with_columns(temp=pl.lit(None, pl.Float64)), COLUMNS)
    with pytest.raises(InputError, match="column 'later': expected numbers, found Datetime"):
        read_series(frame.with_columns(later="ds"), Columns(known=("later",)))


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pl.LazyFrame({"ds": [1]}), "or polars DataFrame, got LazyFrame; collect"),
        ({"ds": [1]}, "expected a path or a pandas or polars DataFrame, got dict"),
        (pd.DataFrame([[1, 2]], columns=["y", "y"]), "give each column its own name"),
        (pd.DataFrame([[1, 2]]), "expected a column 'ds', found '0', '1'"),
        (pl.DataFrame({"ds": [1.5, 2, 3], "y": [1, 2, 3]}), "row 1, column 'ds': .*found 1.5"),
        (pl.DataFrame({"ds": [None] * 3, "y": [1, 2, 3]}), "row 1, column 'ds': .*no stamp"),
        (
            pd.DataFrame({"ds": ["2024-01", "2024-02", "2024-03"], "y": [1, "b", None]}),
            "row 2, column 'y': expected a number, found 'b'",
        ),
    ],
)
def test_a_frame_that_does_not_fit_is_told_why(frame: object, message: str) -> None:
    with pytest.raises(InputError, match=f"^frame: .*{message}"):
        read_series(frame, Columns())  # type: ignore[arg-type]


def test_a_column_has_one_use() -> None:
    with pytest.raises(InputError, match="column 'y' is used twice; it can be the time, the targ"):
        Columns(past=("y",))


def test_paths_that_are_no_data_file(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"missing\.csv: expected a CSV, Excel or Parquet file, fou"
    ):
        read_series(tmp_path / "missing.csv", Columns())
    with pytest.raises(
        InputError, match="expected a CSV, Excel or Parquet file, found a directory"
    ):
        read_series(tmp_path, Columns())
    other = tmp_path / "series.ods"
    other.write_bytes(b"PK")
    with pytest.raises(InputError, match=r"ends in \.csv, .*, found '\.ods'; convert or rename it"):
        read_series(other, Columns())


def test_a_parquet_file_cut_short_or_damaged(frame: pl.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "series.parquet"
    frame.write_parquet(path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    footer = int.from_bytes(whole[-8:-4], "little")
    no_footer = whole[: -8 - footer] + bytes(footer) + whole[-8:]
    for broken in (b"", whole[:4], whole[: len(whole) // 2], whole[:-1], no_footer):
        path.write_bytes(broken)
        with pytest.raises(InputError, match=r"series\.parquet: not a whole Parquet file \("):
            read_series(path, COLUMNS)
    for _ in range(200):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        # Damage may go unseen, in a column not read or in a value; nothing else may be raised.
        with suppress(InputError):
            read_series(path, COLUMNS)


def test_a_parquet_file_names_its_missing_column(frame: pl.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "series.parquet"
    frame.write_parquet(path)
    with pytest.raises(InputError, match=r"column 'tmep', found 'ds', .*; is it 'temp'\?"):
        read_series(path, Columns(past=("tmep",)))


def test_size_is_checked_before_anything_is_loaded(
    frame: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sparse = tmp_path / "huge.csv"
    with open(sparse, "wb") as file:
        file.truncate(4 * 2**30 + 1)
    with pytest.raises(
        InputError, match=r"huge\.csv: 4,294,967,297 bytes of data, the limit is 4,294,9"
    ):
        read_series(sparse, Columns())
    # Small on the disk, as its rows are all alike.
    many = tmp_path / "many.parquet"
    pl.DataFrame({"ds": ["2024-01-01"], "y": [1.0]}).select(pl.all().repeat_by(100_000)).explode(
        "ds", "y"
    ).write_parquet(many)
    monkeypatch.setattr(columns, "_LIMIT_BYTES", 1_000_000)
    assert many.stat().st_size < 1_000_000
    with pytest.raises(InputError, match=r"many\.parquet: 1,600,000 bytes of data, the limit is"):
        read_series(many, Columns())


@pytest.mark.parametrize("encoding", ["PLAIN", "RLE_DICTIONARY"])
@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary(), "categorical"])
def test_long_cells_of_a_small_parquet_file_are_not_spelt_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: pa.DataType | str, encoding: str
) -> None:
    path = tmp_path / "long.parquet"
    cells = pa.array(["x" * 100_000] * 50)
    cells = cells.dictionary_encode() if kind == "categorical" else cells.cast(kind)
    table = pa.table({"ds": cells, "y": np.arange(50.0)})
    pq.write_table(table, path, compression="zstd", use_dictionary=encoding != "PLAIN")
    assert path.stat().st_size < 10_000
    monkeypatch.setattr(columns, "_LIMIT_BYTES", 2_000_000)
    before = pa.default_memory_pool().max_memory()
    with pytest.raises(
        InputError, match=r"long\.parquet: 5,0\d\d,\d{3} bytes of data, the limit is 2,000"
    ):
        read_series(path, Columns())
    assert pa.default_memory_pool().max_memory() <= max(before, 2_000_000)


@pytest.mark.parametrize("kind", [pa.list_(pa.int64()), pa.struct({"a": pa.int64()}), pa.binary(3)])
def test_parquet_column_of_compound_cells_is_refused(tmp_path: Path, kind: pa.DataType) -> None:
    path = tmp_path / "compound.parquet"
    pq.write_table(pa.table({"ds": pa.array([None] * 3, kind), "y": [1.0, 2.0, 3.0]}), path)
    with pytest.raises(
        InputError, match=r"compound\.parquet: column 'ds': expected numbers, stamps"
    ):
        read_series(path, Columns())


@pytest.mark.parametrize(
    "text",
    [
        "name;day;value;price;unused\na;2024-01-01;3,5;1.100;0.5\na;2024-01-02;4,5;1.200;0.5\n"
        "a;2024-01-03;4,7;1.300;0.25\n",
        "name;day;value\nb;13/01/2024;1,5\na;02/01/2024;2\n\nb;14/01/2024;\na;03/01/2024;1.000,5\n"
        "b;15/01/2024;3\na;04/01/2024;4\n",
        "name,day,value\na,2024-01-01 00:00:00.5,1\na,2024-01-02 00:00:00.5,2\n"
        "a,2024-01-03 00:00:00.5,4\n",
        "name,day,value\na,2024-01-01,1\n,,\na,2024-01-02,some\na,2024-01-03,4\n",
        "name,day,value\na,2024-01-01,1\n\na,2024-01-02,2\na,soon,4\n",
        "name,day,value\na,01/02/2024,1\na,02/02/2024,2\na,03/02/2024,4\n",
        "name,day,value\na,2024-01-01,1\n,2024-01-02,2\na,2024-01-03,4\n",
        "name;day;value\na;2024-01-01;1.234\na;2024-01-02;2.345\na;2024-01-03;4.567\n",
    ],
    ids=[
        "mark elsewhere",
        "out of order",
        "fractions",
        "no number",
        "no stamp",
        "in doubt",
        "no name",
        "thousands",
    ],
)
def test_a_large_text_file_is_read_in_parts_as_a_small_one(write, monkeypatch, tmp_path, text):
    def told() -> str:
        try:
            found = read_series(path, Columns("day", "value", known, series="name"))
        except InputError as error:
            return str(error)
        values = (found.target.tolist(), found.known.tolist(), found.begins.tolist())
        return str((values, found.ids, found.repairs, found.guesses))

    path, place = write(text), tmp_path / "spool"
    known = ("price",) if "price" in text else ()
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    whole = told()
    monkeypatch.setattr("gruta.data.delimited._LARGE", 0)
    assert told() == whole
    assert list(place.iterdir()) == []


def test_a_large_text_file_needs_room_on_the_disk(write, monkeypatch, tmp_path):
    path = write(daily(1, 2, 4))
    monkeypatch.setattr("gruta.data.delimited._LARGE", 0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(InputError, match=r"series.csv: its columns cannot be put into .*none: No"):
        read_series(path, Columns("ds", "y"))
