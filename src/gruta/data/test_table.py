"""Tables are read as people have them, and what was guessed is told."""

import gzip
import json
import os

import numpy as np
import pandas as pd
import polars as pl
import pytest

from gruta.codec.series.series import Columns
from gruta.data import columns, delimited
from gruta.data.labelled import Columns as CaseColumns
from gruta.data.labelled import read_cases
from gruta.data.series import read_series
from gruta.data.table import column_names, read_table
from gruta.errors import InputError
from gruta.reading import Guess, Reading

TEXT = "ds,y,região\n2024-01-05,1.5,São Paulo\n2024-01-06,2,Maceió\n2024-01-07,4,Ceará\n"
TIMES = ["2024-01-05", "2024-01-06", "2024-01-07"]
COLUMNS = Columns()


def read(path, **how):
    return read_series(path, COLUMNS, Reading(**how))


def written(tmp_path, content, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("name", "content", "guessed"),
    [
        ("t.csv", TEXT.encode(), {}),
        ("t.csv", TEXT.encode("utf-8-sig"), {}),
        ("t.CSV", TEXT.replace("\n", "\r\n").encode(), {}),
        ("t.csv", TEXT.replace("\n", "\r").encode(), {}),
        ("t.csv.gz", gzip.compress(TEXT.encode(), mtime=0), {}),
        ("t.csv", gzip.compress(TEXT.encode(), mtime=0), {}),
        ("t.csv", TEXT.encode("cp1252"), {"encoding": "Windows-1252"}),
        ("t.txt", TEXT.encode("utf-16"), {"encoding": "UTF-16"}),
        ("t.txt", TEXT.encode("utf-16-le"), {"encoding": "UTF-16-LE"}),
        ("t.csv", TEXT.encode("utf-16-be"), {"encoding": "UTF-16-BE"}),
        ("t.tsv", TEXT.replace(",", "\t").encode(), {"separator": "tab"}),
        ("t.txt", TEXT.replace(",", "|").encode(), {"separator": "|"}),
        ("t.csv", TEXT.replace(",", ";").encode(), {"separator": ";"}),
        ("t.csv", ("sep=;\n" + TEXT.replace(",", ";")).encode(), {}),
        (
            "t.csv",
            TEXT.replace(",", ";").replace("1.5", "1,5").encode("latin-1"),
            {"encoding": "Windows-1252", "separator": ";", "decimal mark": ","},
        ),
        ("t.csv", TEXT.replace(",", " , ").encode(), {}),
        ("t.csv", TEXT.replace("São Paulo", '"S. Paulo, ""SP"";\n\n"').encode(), {}),
        ("t.csv", ("\n" + TEXT).encode(), {}),
        ("t.csv", TEXT.replace("ds,", ",").encode(), {"time column": "first column"}),
        ("t.csv", TEXT.replace("ds,", "Unnamed: 0,").encode(), {"time column": "first column"}),
    ],
)
def test_a_file_is_read_however_it_is_written(tmp_path, name, content, guessed):
    found = read(written(tmp_path, content, name))
    assert [str(t)[:10] for t in found.times] == TIMES
    assert found.target.tolist() == [1.5, 2, 4]
    assert {guess.about: guess.value for guess in found.guesses[:-1]} == guessed
    assert found.fingerprint() == read(written(tmp_path, TEXT, "plain.csv")).fingerprint()


@pytest.mark.parametrize("gap", ["", "\r", " ", ",,", ' ,"",'])
def test_rows_of_nothing_are_skipped_and_counted(tmp_path, gap):
    lines = TEXT.splitlines()
    content = "\n".join([*lines[:2], gap, gap, *lines[2:], gap, gap, ""])
    assert len(read(written(tmp_path, content))) == 3
    with pytest.raises(InputError, match="row 5, column 'y': expected a number, found 'x'"):
        read(written(tmp_path, content.replace("07,4", "07,x")))
    with pytest.raises(InputError, match=r"row 4, column 'ds': .*found no stamp"):
        read(written(tmp_path, content.replace("2024-01-06", "")))


@pytest.mark.parametrize(
    ("content", "how"),
    [
        ("ds;temp, in °C;y\n2024-01-05;1,5;2\n2024-01-06;2,5;3\n2024-01-07;3,5;4\n", {}),
        ("ds;y\n2024-01-05;1,5\n2024-01-06;2,5\n2024-01-07;3,5\n", {}),
        ("ds,in;y\n2024-01-05,a;1\n2024-01-06,b;2\n2024-01-07,c;4\n", {"separator": ";"}),
        ("ds~y\n2024-01-05~1\n2024-01-06~2\n2024-01-07~3\n", {"separator": "~"}),
        ("ds\ty\n2024-01-05\t1\n2024-01-06\t2\n2024-01-07\t3\n", {"separator": "tab"}),
        ("ds\ty\n2024-01-05\t1\n2024-01-06\t2\n2024-01-07\t3\n", {"separator": "\\t"}),
    ],
)
def test_the_separator_is_the_one_that_makes_a_table_of_the_file(tmp_path, content, how):
    columns = Columns(time="ds,in") if "ds,in" in content else COLUMNS
    path = written(tmp_path, content.replace(",a;", ";").replace(",b;", ";").replace(",c;", ";"))
    assert len(read_series(path, columns, Reading(**how))) == 3


@pytest.mark.parametrize(
    ("content", "how", "problem"),
    [
        (
            TEXT.encode() + "é,".encode("cp1252"),
            {},
            "UTF-8 in some places only: byte 81 .*encoding: say",
        ),
        (
            TEXT.encode("cp1252") + b"\x81",
            {},
            "neither UTF-8 nor Windows-1252: byte 77 .*encoding: say what",
        ),
        (TEXT.encode("cp1252"), {"encoding": "utf-8"}, "not text in utf-8 .*; say its encoding"),
        (b"\x00\x01\x02\x03" * 100, {}, "expected text, found bytes that are none"),
        (gzip.compress(TEXT.encode(), mtime=0)[:-12], {}, "not a whole gzip file"),
        (b"\x1f\x8b" + bytes(40), {}, "not a whole gzip file"),
        (TEXT.encode(), {"encoding": "hex"}, "encoding: expected a name such as utf-8, .*'hex'"),
        (TEXT.encode(), {"separator": "::"}, "separator: expected one character such as ; or tab"),
        (TEXT.encode(), {"separator": ";"}, "expected a column 'ds', found 'ds,y,região'"),
        (
            b"# of 2024\n" + TEXT.encode(),
            {},
            "found a comment, '# of 2024'; remove the lines above",
        ),
        (b",y,z\n0,1,2\n1,2,3\n2,3,4\n", {}, "expected a column 'ds', found 'y', 'z'"),
    ],
)
def test_what_cannot_be_told_is_refused(tmp_path, content, how, problem):
    with pytest.raises(InputError, match=problem):
        read(written(tmp_path, content), **how)


def test_blocks_end_between_rows(tmp_path, monkeypatch):
    monkeypatch.setattr("gruta.data.plain._BLOCK", 64)
    rows = [f'2024-01-{i:02d} 00:00,{i / 8},"a\nb ""{"é" * i}"" c\n\n"\n' for i in range(1, 32)]
    content = "ds,y,note\n" + "".join(rows)
    for encoding in ("utf-8", "utf-16"):
        found = read(written(tmp_path, content.encode(encoding)))
        assert found.target.tolist() == [i / 8 for i in range(1, 32)]
    with pytest.raises(InputError, match="row 31, column 'y': expected a number, found 'x'"):
        read(written(tmp_path, content.replace("3.875", "x")))
    with pytest.raises(InputError, match="row 30: expected 3 cells as in the header, found 4"):
        read(written(tmp_path, content.replace("3.75", "3,75")))
    monkeypatch.setattr(delimited, "_LONGEST_ROW", 100)
    plain = "".join(f"2024-01-{i:02d},{i},\n" for i in range(1, 32))
    with pytest.raises(InputError, match="row 5: longer than 100 bytes; look for a quote"):
        read(written(tmp_path, "ds,y,note\n" + plain.replace(",5,", ',5,"')))


def test_a_small_gzip_file_of_much_is_refused_before_it_takes_memory(tmp_path, monkeypatch):
    path = written(tmp_path, gzip.compress(b"ds,y\n" + bytes(10) * 1_000_000, mtime=0), "t.csv.gz")
    monkeypatch.setattr(columns, "_LIMIT_BYTES", 1_000_000)
    with pytest.raises(InputError, match=r"t\.csv\.gz: [\d,]+ bytes of .*limit is 1,000,000"):
        read(path)


def test_names_are_found_without_the_blanks_around_them(tmp_path):
    path = written(tmp_path, TEXT.replace("ds,y", " ds, y"))
    assert column_names(path) == ["ds", "y", "região"]
    assert column_names(written(tmp_path, TEXT.replace("ds,", ",")), time="when")[0] == "when"


HOURS = pd.date_range("2024-01-05", periods=3, freq="h")


@pytest.mark.parametrize(
    ("index", "guesses"),
    [
        (pd.DatetimeIndex(HOURS, name="ds"), []),
        (pd.DatetimeIndex(HOURS), [Guess("time column", "index", "time")]),
        (pd.PeriodIndex(HOURS, freq="h", name="when"), [Guess("time column", "index", "time")]),
        (pd.Index(HOURS.astype(str), name="ds"), []),
        (pd.Index(HOURS.astype(str)), [Guess("time column", "index", "time")]),
        (pd.MultiIndex.from_arrays([["a"] * 3, HOURS], names=["shop", "ds"]), []),
    ],
)
def test_a_frame_s_index_may_hold_the_time(index, guesses, tmp_path):
    frame = pd.DataFrame({"y": [1.0, 2, 4]}, index=index)
    found = read(frame)
    assert found.times.tolist() == HOURS.to_pydatetime().tolist()
    assert list(found.guesses[:-1]) == guesses
    frame.to_parquet(tmp_path / "t.parquet")
    if isinstance(index, pd.MultiIndex) or index.name != "when":  # a name is a name there
        assert read(tmp_path / "t.parquet").fingerprint() == found.fingerprint()


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([1, 2, 4], dtype="Int64"),
        pd.Series([1.0, 2, 4], dtype="Float32"),
        pd.Series([1, 2, 4], dtype="int64[pyarrow]"),
        pd.Series([1, 2, 4], dtype="category"),
        pd.Series(["1", "2", "4"], dtype="category"),
        pd.Series(["1", "2", "4,0"], dtype="string"),
        pd.Series([1.0, 2, 4], dtype=object),
        pl.Series([1, 2, 4], dtype=pl.Decimal(10, 3)),
    ],
)
def test_numbers_of_any_type_of_a_frame(column):
    table = pd if isinstance(column, pd.Series) else pl
    assert read(table.DataFrame({"ds": TIMES, "y": column})).target.tolist() == [1, 2, 4]


@pytest.mark.parametrize("freq", ["h", "D", "W-WED", "M", "Q-DEC", "Y"])
def test_periods_stand_for_their_start(freq, tmp_path):
    periods = pd.period_range("2024-01-03", periods=5, freq=freq)
    frame = pd.DataFrame({"ds": periods, "y": range(5)})
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_csv(tmp_path / "t.csv", index=False)
    expected = periods.to_timestamp(how="start").to_pydatetime().tolist()
    for source in (frame, tmp_path / "t.parquet", tmp_path / "t.csv"):
        assert read(source).times.tolist() == expected


def test_numbers_of_objects_and_of_json_have_a_decimal_point(tmp_path):
    values = [1.234, 5.678, 9.876]
    frame = pd.DataFrame({"ds": TIMES, "y": pd.Series(values, dtype=object)})
    assert read(frame).target.tolist() == values
    rows = [{"case": "a", "time": i, "x": x} for i, x in enumerate(values)]
    lines = "\n".join(json.dumps(row) for row in rows)
    (case,) = read_cases(written(tmp_path, lines, "t.jsonl"), CaseColumns()).cases
    assert case[:, 0].tolist() == values


def test_cases_are_read_so_too(tmp_path):
    content = "case;time;x;label\na;31/01/2024;1.234,5;ó\na;01/02/2024;2;ó\n"
    found = read_cases(written(tmp_path, content.encode("cp1252"), "t.txt"), CaseColumns())
    np.testing.assert_array_equal(found.cases[0], [[1234.5], [2]])
    assert found.labels == ["ó"]
    abouts = ["encoding", "separator", "decimal mark", "dates"]
    assert [guess.about for guess in found.guesses] == abouts
    texts = "text\tlabel\nOlá; mundo, 1.000\tpt\n\t\nhi\ten\n"
    assert read_cases(written(tmp_path, texts), CaseColumns()).cases == ["Olá; mundo, 1.000", "hi"]
    for label in ("a", "b"):
        path = tmp_path / "classes" / label / "1.tsv"
        path.parent.mkdir(parents=True)
        path.write_text("\tu\n2024-01-06\t1,5\n2024-01-05\t2\n")
    found = read_cases(tmp_path / "classes", CaseColumns())
    assert found.cases[0].tolist() == [[2], [1.5]]
    assert [guess.about for guess in found.guesses] == [
        "separator",
        "time column",
        "decimal mark",
    ]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="who may read all is refused none")
def test_a_file_that_may_not_be_read(tmp_path):
    path = written(tmp_path, TEXT)
    path.chmod(0)
    with pytest.raises(InputError, match="cannot be read: Permission denied"):
        read_table(path, ["ds"])
