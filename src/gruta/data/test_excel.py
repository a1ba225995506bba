"""Excel files, written here by hand: sheets, headers, cells of several types, and hostile ones."""

import struct
import sys
import zipfile

import numpy as np
import pytest

from gruta.codec.series.series import Columns
from gruta.data import columns
from gruta.data.series import read_series
from gruta.errors import InputError
from gruta.reading import Guess, Reading

DAY = 45296  # 2024-01-05 as Excel counts
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
ROWS = [["ds", "y"], [(DAY,), 1.5], [(DAY + 1,), 2], [], [(DAY + 2,), 4]]


def cell(value, place):
    """A text, a number, or in a tuple the number of a day."""
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'
    style, number = (' s="1"', value[0]) if isinstance(value, tuple) else ("", value)
    return f'<c r="{place}"{style}><v>{number}</v></c>'


def xlsx(path, **sheets):
    def relations(*targets):
        inside = "".join(
            f'<Relationship Id="rId{i}" Type="{OFFICE}/{kind}" Target="{target}"/>'
            for i, (kind, target) in enumerate(targets, 1)
        )
        return f'<Relationships xmlns="{PACKAGE}/relationships">{inside}</Relationships>'

    names = "".join(
        f'<sheet name="{name}" sheetId="{i}" r:id="rId{i}"/>' for i, name in enumerate(sheets, 1)
    )
    parts = [("worksheet", f"worksheets/s{i}.xml") for i in range(1, len(sheets) + 1)]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("_rels/.rels", relations(("officeDocument", "xl/workbook.xml")))
        book.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{names}</sheets></workbook>',
        )
        book.writestr("xl/_rels/workbook.xml.rels", relations(*parts, ("styles", "styles.xml")))
        book.writestr(
            "xl/styles.xml",
            f'<styleSheet xmlns="{MAIN}"><cellXfs><xf numFmtId="0"/><xf numFmtId="22"/></cellXfs>'
            "</styleSheet>",
        )
        for i, rows in enumerate(sheets.values(), 1):
            inside = "".join(
                f'<row r="{n}">'
                + "".join(cell(v, f"{'ABC'[j]}{n}") for j, v in enumerate(row) if v is not None)
                + "</row>"
                for n, row in enumerate(rows, 1)
            )
            inside = f"<sheetData>{inside}</sheetData>"
            book.writestr(
                f"xl/worksheets/s{i}.xml", f'<worksheet xmlns="{MAIN}">{inside}</worksheet>'
            )
    return path


def with_row(path, row):
    """The file with this row behind its last."""
    with zipfile.ZipFile(path) as book:
        members = {name: book.read(name) for name in book.namelist()}
    sheet = "xl/worksheets/s1.xml"
    members[sheet] = members[sheet].replace(b"</sheetData>", row + b"</sheetData>")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in members.items():
            book.writestr(name, content)
    return path


def xls(path, rows):
    """The old format: records of one sheet, in the one stream of a compound file."""

    def record(kind, content):
        return struct.pack("<HH", kind, len(content)) + content

    def one(value, i, j):
        place = struct.pack("<HHH", i, j, 0)
        if isinstance(value, str):
            return record(
                0x204, place + struct.pack("<HB", len(value), 0) + value.encode("latin-1")
            )
        return record(0x203, place + struct.pack("<d", value))

    begin = lambda kind: record(0x809, struct.pack("<HHHHII", 0x600, kind, 0, 1997, 0, 6))  # noqa: E731
    end, name = record(0x0A, b""), b"\x05\x00Plan1"
    start = len(begin(5)) + 4 + 6 + len(name) + len(end)
    book = begin(5) + record(0x85, struct.pack("<IH", start, 0) + name) + end + begin(0x10)
    book += b"".join(one(v, i, j) for i, row in enumerate(rows) for j, v in enumerate(row)) + end
    book = book.ljust(4096 + -len(book) % 512, b"\0")
    book += bytes(-len(book) % 512)
    count = len(book) // 512
    free, last = 0xFFFFFFFF, 0xFFFFFFFE
    table = [0xFFFFFFFD, last, *range(3, 2 + count), last]
    head = (
        bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6)
    )
    head += bytes(6) + struct.pack("<IIIIIIIIII", 0, 1, 1, 0, 4096, last, 0, last, 0, 0)
    head += struct.pack("<109I", *[free] * 108, free)[:-4]

    def entry(label, kind, child, first, size):
        text = (label + "\0").encode("utf-16-le")
        found = text.ljust(64, b"\0") + struct.pack(
            "<HBBIII", len(text), kind, 1, free, free, child
        )
        return found + bytes(36) + struct.pack("<IQ", first, size)

    tree = entry("Root Entry", 5, 1, last, 0) + entry("Workbook", 2, free, 2, len(book))
    tree += bytes(512 - len(tree))
    sectors = struct.pack(f"<{len(table)}I", *table).ljust(512, b"\xff")
    path.write_bytes(head[:512].ljust(512, b"\xff") + sectors + tree + book)
    return path


def read(path, **how):
    return read_series(path, Columns(), Reading(**how))


def test_cells_are_read_as_excel_has_them(tmp_path):
    found = read(xlsx(tmp_path / "t.xlsx", Plan1=ROWS))
    assert [str(t)[:10] for t in found.times] == ["2024-01-05", "2024-01-06", "2024-01-07"]
    assert (found.target.tolist(), found.guesses[:-1]) == ([1.5, 2, 4], ())


def test_the_old_format_too(tmp_path):
    rows = [["ds", "y"], ["05/01/2024", 1.5], ["06/01/2024", 2.0], ["31/01/2024", 4.0]]
    problem = "24 of 27 values are missing in one piece from 2024-01-07"
    with pytest.raises(InputError, match=problem):
        read(xls(tmp_path / "t.xls", rows))
    rows[3][0] = "07/01/2024"
    found = read(xls(tmp_path / "t.xls", rows), dates="day-first")
    assert found.target.tolist() == [1.5, 2, 4]


def test_the_sheet_and_the_row_that_hold_the_names_are_found(tmp_path):
    title = [["Vendas"], [], *ROWS]
    path = xlsx(tmp_path / "t.xlsx", Capa=[["Relatório", "1"]], Dados=title, Outra=ROWS[:3])
    found = read(path)
    assert found.guesses[:-1] == (Guess("sheet", "Dados", "sheet"),)
    assert len(found) == 3
    with pytest.raises(InputError, match="expected at least 3 rows, found 2"):
        read(path, sheet="Outra")
    with pytest.raises(
        InputError, match=r"sheet: .* has no sheet 'X', but 'Capa', 'Dados', 'Outra'"
    ):
        read(path, sheet="X")


def test_a_row_keeps_its_number_and_text_its_doubts(tmp_path):
    rows = [*ROWS, [(DAY + 3,), "x"]]
    with pytest.raises(InputError, match="row 5, column 'y': expected a number, found 'x'"):
        read(xlsx(tmp_path / "t.xlsx", Plan1=rows))
    rows = [["ds", "y"], *([(DAY + i,), f"1.{i}00"] for i in range(3))]
    with pytest.raises(InputError, match=r"row 1, column 'y': '1.000' reads as 1000 and as 1.000"):
        read(xlsx(tmp_path / "t.xlsx", Plan1=rows))
    assert read(tmp_path / "t.xlsx", decimal=",").target.tolist() == [1000, 1100, 1200]


def test_a_first_column_without_a_name(tmp_path):
    found = read(xlsx(tmp_path / "t.xlsx", Plan1=[[None, "y"], *ROWS[1:]]))
    assert found.guesses[:-1] == (Guess("time column", "first column", "time"),)


def test_an_old_file_that_reaches_too_far_is_refused_before_it_takes_memory(tmp_path):
    path = xls(tmp_path / "far.xls", [["ds", "y"], [1.5, 2.5]])
    near, far = (
        struct.pack("<HHHd", row, column, 0, 2.5) for row, column in ((1, 1), (65535, 9999))
    )
    path.write_bytes(path.read_bytes().replace(near, far))
    with pytest.raises(InputError, match=r"far\.xls: [\d,]+ bytes of data, the limit is"):
        read(path)


def test_what_would_not_fit_is_refused_before_it_takes_memory(tmp_path, monkeypatch):
    for far in (
        b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        b"<x:row><x:c s='1' r = 'xfd1048576'/></x:row>",
        b'<row r="1048576">' + b"<c/>" * 16384 + b"</row>",
    ):
        path = with_row(xlsx(tmp_path / "far.xlsx", Plan1=ROWS), far)
        assert path.stat().st_size < 4_000
        with pytest.raises(InputError, match=r"far\.xlsx: (\d{3},){3}\d{3} bytes of data, the"):
            read(path)
    path = xlsx(tmp_path / "bomb.xlsx", Plan1=[["ds", "y", "x" * 5_000_000]])
    content = path.read_bytes()
    large = struct.pack("<I", zipfile.ZipFile(path).getinfo("xl/worksheets/s1.xml").file_size)
    path.write_bytes(content.replace(large, struct.pack("<I", 1000)))  # says it is small
    monkeypatch.setattr(columns, "_LIMIT_BYTES", 2_000_000)
    assert path.stat().st_size < 10_000
    with pytest.raises(InputError, match=r"bomb\.xlsx: [\d,]+ bytes of .*limit is 2,000,000"):
        read(path)


def test_who_lacks_the_reader_is_told_what_brings_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fastexcel", None)
    with pytest.raises(
        InputError, match=r"fastexcel is not installed: pip install 'gruta\[train\]'"
    ):
        read(xlsx(tmp_path / "t.xlsx", Plan1=ROWS))


def test_a_damaged_file(tmp_path):
    rng = np.random.default_rng(0)
    for path in (xlsx(tmp_path / "t.xlsx", Plan1=ROWS), xls(tmp_path / "t.xls", [["ds", "y"]])):
        whole = path.read_bytes()
        for broken in (b"", whole[:40], whole[: len(whole) // 2], b"PK" + bytes(100)):
            path.write_bytes(broken)
            with pytest.raises(InputError, match="not a whole Excel file"):
                read(path)
        for _ in range(100):
            damaged = bytearray(whole)
            damaged[rng.integers(len(whole))] ^= int(rng.integers(1, 256))
            path.write_bytes(damaged)
            # Damage may go unseen; nothing else may be raised.
            try:
                read(path)
            except InputError:
                continue
