"""Numbers are read as they were meant, or both readings are told."""

import numpy as np
import polars as pl
import pytest

from gruta.data.table import read_table
from gruta.errors import InputError
from gruta.reading import Guess, Reading

COMMA = Guess("decimal mark", ",", "decimal")
POINT = Guess("decimal mark", ".", "decimal")


def numbers(*cells: str | None, **how: str):
    table = read_table(pl.DataFrame({"y": cells}), ["y"], Reading(**how))
    return table.numbers("y").tolist(), table.guesses


@pytest.mark.parametrize(
    ("cells", "expected", "guesses"),
    [
        (["4.216", "0.418", "18.4", "-5", "+.5"], [4.216, 0.418, 18.4, -5, 0.5], ()),
        (["4.216", "0.418"], [4.216, 0.418], ()),  # no thousand begins with 0
        (["1.234,56", "1.000", "-7", ",8"], [1234.56, 1000, -7, 0.8], (COMMA,)),
        (["1.234.567", "1.000"], [1234567, 1000], (COMMA,)),
        (["1,234.5", "12,345", "1,2e1,"][:2], [1234.5, 12345], (POINT,)),
        (["12,34,567.8"], [1234567.8], (POINT,)),  # lakhs
        (["1 234,5", "12\u00a0345", "1\u202f000"], [1234.5, 12345, 1000], (COMMA,)),
        (["1'234.5", "\u22123"], [1234.5, -3], (POINT,)),
        (["1,5e3", "2E2"], [1500, 200], (COMMA,)),
        ([" 1 ", "TRUE", "falso", "?", "N/A", "", None], [1, 1, 0] + [np.nan] * 4, ()),
    ],
)
def test_where_cells_leave_no_doubt_they_are_read(cells, expected, guesses):
    found, guessed = numbers(*cells)
    np.testing.assert_array_equal(found, expected)
    assert set(guessed) <= set(guesses) | {POINT}
    assert (COMMA in guessed) == (COMMA in guesses)


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        (["987", "1.234"], "row 2, column 'y': '1.234' reads as 1234 and as 1.234, .*decimal: say"),
        (["1,234", "5,678"], "row 1, column 'y': '1,234' reads as 1234 and as 1.234"),
        (
            ["1.5", "7", "2,5"],
            "row 3, column 'y': '2,5' has not the decimal mark of '1.5' in row 1",
        ),
        (["R$ 1,50"], "found 'R\\$ 1,50'; write it without the sign"),
        (["1", "12 %"], "row 2, column 'y': expected a number, found '12 %'; write it without"),
        (["°C", "18.4"], "row 1, column 'y': expected a number, found '°C'"),
        (["1.23.456"], "expected a number, found '1.23.456'"),
        (["1 23"], "expected a number, found '1 23'"),
    ],
)
def test_where_they_do_it_is_told_how(cells, problem):
    with pytest.raises(InputError, match=problem):
        numbers(*cells)


def test_a_long_column_is_read_in_parts(monkeypatch):
    monkeypatch.setattr("gruta.data.source._AT_ONCE", 10)
    cells = [*("1.234" for _ in range(25)), "1.234,5", *("7,25" for _ in range(25))]
    assert numbers(*cells)[0] == [1234] * 25 + [1234.5] + [7.25] * 25
    with pytest.raises(
        InputError, match=r"row 52, .*'7.25' has not the decimal mark of '1.234,5' in row 26"
    ):
        numbers(*cells, "7.25")
    with pytest.raises(
        InputError, match="row 52, column 'y': expected a number with a decimal comma"
    ):
        numbers(*cells, "x")


def test_a_person_decides_and_is_held_to_it():
    assert numbers("987", "1.234", decimal=".") == ([987, 1.234], ())
    assert numbers("987", "1.234", decimal=",") == ([987, 1234], ())
    with pytest.raises(InputError, match="expected a number with a decimal comma, found '18"):
        numbers("1,5", "18.4", decimal=",")
    with pytest.raises(InputError, match=r"decimal: expected \. or , got ';'"):
        numbers("1", decimal=";")


@pytest.mark.parametrize(
    ("header", "rows", "names", "expected"),
    [
        ("y;z", "1.234;0,5", "yz", 1234),  # the column beside it
        ("y;z", "1.234;0.5", "yz", 1.234),
        ("y;z", "1.234;0,5", "y", 1234),  # one that was not asked for
        ("y\tz", "1.234\t0.5", "y", 1.234),
        ("y,z", "1.234,5", "y", 1.234),  # no comma stands before decimals where it separates
        ("y;z", "1,234;5", "y", 1.234),
        ("y,z", "1.234,5\n987,5", "y", None),  # thousands, and a number that has none
        ("y;z", "1,234;5\n987;5", "y", None),
        ("y;z", "1.234;v0,5", "y", None),  # a word tells nothing
        ("y;z", "1.234;5", "y", None),
        ("y|z", "1,234|5", "y", None),
        ("y,z", '"1,234",5', "y", None),
    ],
)
def test_a_column_in_doubt_goes_by_the_rest_of_its_file(tmp_path, header, rows, names, expected):
    path = tmp_path / "t.csv"
    path.write_text(f"{header}\n{rows}\n")
    table = read_table(path, list(names))
    if expected is None:
        with pytest.raises(InputError, match="and no cell tells which; decimal: say which mark"):
            table.numbers("y")
    else:
        assert table.numbers("y").tolist() == [expected]
        assert {"decimal mark"} <= {guess.about for guess in table.guesses}
