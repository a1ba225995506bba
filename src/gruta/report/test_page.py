"""A report is one file that needs nothing else, is written whole, and speaks two languages."""

import os
import sys
from html.parser import HTMLParser

import matplotlib.figure
import numpy as np
import pytest

from gruta.locale import spoken
from gruta.locale.numbers import decimals, exponential, number, percent, stamp
from gruta.report.charts import WIDTH, Curve, lines, strokes
from gruta.report.page import (
    Code,
    Column,
    Figure,
    Formula,
    Formulas,
    Section,
    Table,
    write,
)

NASTY = '<script src="https://example.org/x.js">alert(1)</script> & "sales".csv'
PNG = b"\x89PNG\r\n\x1a\n"


def chart() -> matplotlib.figure.Figure:
    x = np.arange(5.0)
    styles = strokes(["gru", "naive"])
    curves = [Curve(name, x, x + 0.5, style) for name, style in styles.items()]
    return lines(curves, "step", "loss", log=True, limit=(1.0, "limit"))


def table() -> Table:
    columns = [Column("model"), Column("MAE", 2, "lowest"), Column("coverage", 1)]
    rows = [["gru", 1.234, 80.0], ["naive", 2.5, None], [NASTY, 1.2341, None]]
    return Table(columns, rows, "Scores", "A note.", ["#00796b", "#999999", "#333333"])


def sections() -> list[Section]:
    formulas = Formulas([Formula("c = {a}/{b}", NASTY)])
    drawn = Figure("loss", f"Caption {NASTY}", f"Alt {NASTY}", chart())
    return [Section(NASTY, [f"Said of {NASTY}"], [drawn, table(), Code("make demo"), formulas])]


@pytest.fixture
def page(tmp_path):
    return write(tmp_path / "run", "Title", "Lead.", sections()).read_text(encoding="utf-8")


def test_writes_the_page_and_a_png_of_each_figure(tmp_path):
    path = write(tmp_path / "run", "Title", "Lead.", sections())
    assert path == tmp_path / "run" / "report.html"
    assert sorted(p.name for p in path.parent.iterdir()) == ["loss.png", "report.html"]
    assert (path.parent / "loss.png").read_bytes().startswith(PNG)


def test_a_narrow_picture_takes_its_share_of_the_page(tmp_path):
    narrow = matplotlib.figure.Figure((WIDTH / 2, 2.0))
    drawn = [Figure("wide", "", "", chart()), Figure("narrow", "", "", narrow)]
    text = write(tmp_path, "Title", "Lead.", [Section("S", (), drawn)]).read_text(encoding="utf-8")
    assert text.count('style="width: 50.0%; min-width: 15.0rem"') == text.count("<img ") - 1 == 1


class Addresses(HTMLParser):
    """The addresses that a page refers to, and the tags in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.found: list[str] = []
        self.alts: list[str | None] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.found += [v or "" for k, v in attrs if k in ("src", "srcset", "href", "action")]
        self.alts += [dict(attrs).get("alt")] if tag == "img" else []


def test_needs_no_network(page):
    parsed = Addresses(page)
    assert len(parsed.found) == 1
    assert parsed.found[0].startswith("data:image/svg+xml;base64,")
    assert not parsed.tags & {"script", "link", "iframe", "object", "base"}
    assert "url(" not in page
    assert "@import" not in page


def test_formulas_are_typeset_without_a_script(page):
    assert "mfrac" in Addresses(page).tags


def test_what_a_user_named_is_text_and_no_markup(page):
    assert "<script" not in page
    assert "&lt;script src=" in page


def test_every_picture_has_words_for_who_cannot_see_it(page):
    assert Addresses(page).alts == [f"Alt {NASTY}"]


@pytest.mark.parametrize(
    ("language", "tag", "shown", "note"),
    [("en", "en", "1.23", "Bold: the best"), ("pt_BR", "pt-BR", "1,23", "Em negrito: o melhor")],
)
def test_speaks_the_readers_language(tmp_path, language, tag, shown, note):
    with spoken(language):
        page = write(tmp_path, "T", "L", sections()).read_text(encoding="utf-8")
    assert f'<html lang="{tag}">' in page
    assert f'<td class="numeric best">{shown}</td>' in page
    assert note in page


def test_marks_all_that_are_best_as_they_are_written():
    best = [[cell.best for cell in row] for row in table().cells()]
    assert best == [[False, True, False], [False, False, False], [False, True, False]]


def test_same_content_gives_the_same_bytes(tmp_path):
    first, second = (write(tmp_path / d, "T", "L", sections()).read_bytes() for d in "ab")
    assert first == second


def test_leaves_no_figure_open(tmp_path):
    def figures():
        pyplot = sys.modules.get("matplotlib.pyplot")
        return pyplot.get_fignums() if pyplot else []

    before = figures()  # others may have some, in whatever order the tests run
    write(tmp_path / "run", "Title", "Lead.", sections())
    assert figures() == before


def test_a_failed_write_leaves_the_old_page(tmp_path, monkeypatch):
    path = write(tmp_path, "Old", "L", [])
    before = path.read_bytes()

    def full(*_paths: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path, "New", "L", [])
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize(
    ("value", "digits", "english", "portuguese"),
    [
        (1234.5, 1, "1,234.5", "1.234,5"),
        (0.00012346, None, "0.0001235", "0,0001235"),
        (1e-6, None, "0.000001", "0,000001"),
        (12, None, "12", "12"),
        (0.0, None, "0", "0"),
        (-1234.5, 1, "−1,234.5", "−1.234,5"),
        (-0.00001, 3, "0.000", "0,000"),
        (float("nan"), 2, "–", "–"),
        (None, None, "–", "–"),
    ],
)
def test_numbers(value, digits, english, portuguese):
    with spoken("en"):
        assert number(value, digits) == english
    with spoken("pt_BR"):
        assert number(value, digits) == portuguese


@pytest.mark.parametrize(
    ("iso", "portuguese"),
    [
        ("2024-03-31 13:30", "31/03/2024 13:30"),
        ("2024-03-31 (shop 2023-01)", "31/03/2024 (shop 2023-01)"),
        ("2024-03", "03/2024"),
        ("2024", "2024"),
        ("12 (2024-03-31)", "12 (2024-03-31)"),
    ],
)
def test_stamps(iso, portuguese):
    with spoken("en"):
        assert stamp(iso) == iso
    with spoken("pt_BR"):
        assert stamp(iso) == portuguese


def test_percent_and_decimals():
    with spoken("pt_BR"):
        assert percent(0.7654, 1) == "76,5%"
        assert exponential(2.51e-7, 1) == "2,5e-07"
    assert decimals([0.0123, None, 4.5], 3) == 4
    assert decimals([1234.0]) == 0
    assert decimals([0.0, None]) == 0


def test_cells_keep_their_colour_and_the_last_baseline_is_the_darkest():
    few, many = strokes(["gru", "linear"]), strokes(["gru", "lstm", "rnn", "naive", "linear"])
    assert few["gru"] == many["gru"]
    assert few["linear"] == many["linear"]
    assert many["naive"].color > many["linear"].color
