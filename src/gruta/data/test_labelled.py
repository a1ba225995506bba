"""Labelled cases come in as they are written, from every form that people have them in."""

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest

from gruta.data.labelled import Columns, read_cases
from gruta.errors import InputError

LONG = "case,time,a,b,label\nq,2,3,,x\nq,1,1,5,x\np,1,7,8,X\n"


def read(source, **columns):
    return read_cases(source, Columns(**columns))


def written(tmp_path, name, content):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def test_steps_are_put_in_order_and_a_missing_value_is_a_gap(tmp_path):
    found = read(written(tmp_path, "long.csv", LONG))
    assert (found.kind, found.channels, found.names) == ("series", ("a", "b"), ["q", "p"])
    np.testing.assert_array_equal(found.cases[0], [[1, 5], [3, np.nan]])
    np.testing.assert_array_equal(found.cases[1], [[7, 8]])
    assert found.labels == ["x", "X"]  # as they are written


def test_every_form_of_texts_gives_the_same_cases(tmp_path):
    texts, labels = ["Olá; mundo, 1.000", 'He said "no"'], ["pt", "en"]
    frame = pl.DataFrame({"text": texts, "label": labels})
    frame.write_csv(tmp_path / "t.csv")
    frame.write_csv(tmp_path / "s.csv", separator=";")
    frame.write_parquet(tmp_path / "t.parquet")
    lines = [json.dumps({"text": t, "label": one}) for t, one in zip(texts, labels, strict=True)]
    written(tmp_path, "t.jsonl", "\n".join(lines) + "\n\n")
    forms = [tmp_path / name for name in ("t.csv", "s.csv", "t.parquet", "t.jsonl")]
    prints = {
        read(form).fingerprint() for form in [*forms, frame, frame.to_pandas(), (texts, labels)]
    }
    assert len(prints) == 1
    assert read(texts).labels is None


def test_a_folder_a_class_of_texts_or_of_tables(tmp_path):
    for label in ("b", "B"):
        written(tmp_path / "texts" / label, "1.txt", f"this is {label}\n")
        written(tmp_path / "series" / label, "1.csv", "time,u\n1,2\n2,3\n")
    assert read(tmp_path / "texts").labels == ["B", "b"]
    found = read(tmp_path / "series")
    assert (found.labels, found.channels, found.cases[0].tolist()) == (
        ["B", "b"],
        ("u",),
        [[2], [3]],
    )
    written(tmp_path / "texts" / "b", "2.csv", "u\n1\n")
    with pytest.raises(InputError, match=r"expected a folder for each class, of \.txt files"):
        read(tmp_path / "texts")


TS = """# by hand
@problemName two
@timeStamps false
@classLabel true b B
@data
1,2,3:4,?:b
5:6,7:B
"""


def test_ts_files_keep_labels_and_channels_of_unequal_length(tmp_path):
    found = read(written(tmp_path, "two.ts", TS))
    assert found.labels == ["b", "B"]
    np.testing.assert_array_equal(found.cases[0], [[1, 4], [2, np.nan], [3, np.nan]])
    np.testing.assert_array_equal(found.cases[1], [[5, 6], [np.nan, 7]])
    unlabelled = TS.replace("@classLabel true b B", "@classLabel false").replace(":b", "")
    assert read(written(tmp_path, "none.ts", unlabelled.replace(":B", ""))).labels is None


BAD = {
    "no such column": ("t.csv", "a,b\n1,2\n", r"expected a column 'text' .* or 'case'"),
    "no text": ("t.csv", "text,label\nhi,x\n,y\n", r"row 2, column 'text': expected a text"),
    "no label": ("t.csv", "text,label\nhi,x\nho,\n", r"row 2, column 'label': expected a word"),
    "two labels": (
        "t.csv",
        LONG.replace("q,1,1,5,x", "q,1,1,5,z"),
        "row 1, column 'label': 'x' is",
    ),
    "twice": (
        "t.csv",
        LONG.replace("q,1,", "q,2,"),
        "row 1, column 'time': case 'q' has two steps",
    ),
    "no number": ("t.csv", LONG.replace("7,8", "7,many"), "row 3, column 'b': expected a number"),
    "no time": ("t.csv", "case,a\nq,1\n", "expected a column 'time'"),
    "nothing": ("t.csv", "text,label\n", "expected at least one case"),
    "no json": ("t.jsonl", '{"text": "a"}\n{"text"\n', "case 2: not a JSON object"),
    "ts number": ("t.ts", TS.replace("6,7", "6,x"), "line 7: could not convert"),
    "ts width": ("t.ts", TS.replace("5:6,7:B", "5:B"), "line 7: expected 2 channels"),
    "ts header": ("t.ts", "1,2:b\n", "line 1: expected a line with @"),
    "ts end": ("t.ts", "@problemName two\n", "expected a line @data"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_fit_is_told_where_and_why(tmp_path, name):
    file, content, expected = BAD[name]
    with pytest.raises(InputError, match=expected):
        read(written(tmp_path, file, content))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ((["a"], ["x", "y"]), "labels: expected 1, one a case, got 2"),
        (([np.zeros((2, 3, 4))], ["x"]), r"case 1: expected text, or numbers of shape"),
        (
            ([np.full((2, 1), np.inf)], ["x"]),
            "case 1: expected numbers up to 1.0·10³⁰",
        ),
        ([""], "case 1: expected at least one step"),
    ],
)
def test_what_python_gives_is_checked_too(source, expected):
    with pytest.raises(InputError, match=expected):
        read(source)


def test_pandas_keeps_a_group_beside_the_label():
    frame = pd.DataFrame({"text": ["a", "b"], "label": ["x", "y"], "document": ["d", "d"]})
    assert read(frame, group="document").groups == ["d", "d"]


def test_labels_keep_their_type_and_colons(tmp_path):
    series = [np.ones((2, 1))] * 2
    for given in ([3, 20], [np.int64(3), np.int64(20)], pd.Series([3, 20])):
        assert read((series, given)).labels == [3, 20]
    assert read((series, np.array([True, False]))).labels == [True, False]
    assert read((series, [1, "one"])).labels == ["1", "one"]
    frame = pl.DataFrame({"text": ["a", "b"], "label": [1, 0]})
    frame.write_parquet(tmp_path / "t.parquet")
    assert read(tmp_path / "t.parquet").labels == read(frame.to_pandas()).labels == [1, 0]
    with pytest.raises(InputError, match="got nan for case 2"):
        read((series, [1.0, np.nan]))
    colons = TS.replace("true b B", "true b:1 B:1").replace(":b\n", ":b:1\n")
    found = read(written(tmp_path, "colons.ts", colons.replace(":B\n", ":B:1\n")))
    assert found.labels == ["b:1", "B:1"]
    assert found.channels == ("x1", "x2")
