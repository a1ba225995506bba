"""Texts are read as they come, and parted without a leak."""

import gzip

import pytest

from gruta.data.subwords import learn_byte_pairs
from gruta.data.text import Texts, parted, read_texts, spread
from gruta.errors import InputError

TEXT = "Não há de quê.\nÉ isso, ou não é?\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_encoding_and_line_ends_are_found_out(tmp_path, encoding, ends):
    path = tmp_path / "text.txt"
    path.write_bytes(TEXT.replace("\n", ends).encode(encoding))
    found = read_texts(path)
    assert found.texts[0].text == TEXT
    assert found.fingerprint() == read_texts([TEXT]).fingerprint()
    assert bool(found.guesses) == (encoding not in ("utf-8", "utf-8-sig"))


def test_a_folder_is_read_at_any_depth_in_order(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "2.txt").write_text("dois")
    (tmp_path / "1.txt.gz").write_bytes(gzip.compress(b"um", mtime=0))
    (tmp_path / ".hidden.txt").write_text("no")
    (tmp_path / "3.png").write_bytes(bytes(9))
    (tmp_path / "4.md").write_text("")
    found = read_texts(tmp_path)
    assert [one.text for one in found.texts] == ["um", "dois"]
    assert [repair.places for repair in found.repairs] == [(str(tmp_path / "4.md"),)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected text, found none"),
        (b"abc\x00\x01", "found bytes that are none, first byte 4"),
        (TEXT.encode() + b"\xe9", "UTF-8 in some places only: byte 40 is not"),
        (b"abc\xe9\x81", "neither UTF-8 nor Windows-1252: byte 5"),
    ],
)
def test_what_is_no_text_is_refused_by_its_first_wrong_byte(tmp_path, content, message):
    path = tmp_path / "text.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        read_texts(path)
    assert str(path) in str(error.value)


def test_the_end_of_one_text_is_held_out():
    kept, held = parted(read_texts(["a" * 90 + "b" * 10]), 0.1, 0)
    assert kept.texts[0].text == "a" * 90
    assert held.texts[0].text == "b" * 10


def test_of_many_texts_some_are_held_out_whole():
    texts = read_texts([f"{i:05d}" * 20 for i in range(50)])
    kept, held = parted(texts, 0.2, 1)
    assert sorted(kept.texts + held.texts, key=lambda one: one.text) == list(texts.texts)
    assert held.length == pytest.approx(0.2 * texts.length, rel=0.1)
    assert isinstance(kept, Texts)


def test_stretches_from_all_over_a_few_texts_are_held_out():
    lines = [[f"{k}:{i:05d} and so on\n" for i in range(n)] for k, n in enumerate((3000, 40, 2000))]
    texts = read_texts(["".join(own) for own in lines])
    kept, held = spread(texts, 0.1, 0)
    assert held.length == pytest.approx(0.1 * texts.length, rel=0.02)
    assert kept.texts[-1].text.endswith(lines[-1][-1])
    pieces = [one.text for part in (kept, held) for one in part.texts]
    told = [line for piece in pieces for line in piece.splitlines(keepends=True)]
    assert sorted(told) == sorted(line for own in lines for line in own)
    firsts = [one.text[:7] for one in held.texts]
    assert len(firsts) == 6
    assert firsts[0] < "0:00600"
    assert firsts[-1] > "2:01000"


@pytest.mark.parametrize("text", ["a" * 50_000, "ab\n" * 40])
def test_a_short_or_unbroken_text_is_spread_too(text):
    kept, held = spread(read_texts([text]), 0.05, 0)
    assert held.length == pytest.approx(0.05 * len(text), abs=3)
    assert kept.length + held.length == len(text)


def test_subwords_are_longer_where_training_was():
    units = learn_byte_pairs(["uma casa, a casa azul"] * 3, 300)
    assert len(units.encode("uma casa")) < len("uma casa")
    assert units.decode(units.encode("家 \x00\n")) == "家 \x00\n"


def test_a_blank_text_is_no_folder(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("private")
    monkeypatch.chdir(tmp_path)
    assert [one.text for one in read_texts(["hello", "", " "]).texts] == ["hello", " "]


def test_of_many_texts_that_are_larger_than_the_share_one_is_held_out():
    kept, held = parted(read_texts([f"{i:02d}" * 500 for i in range(12)]), 0.03, 0)
    assert (len(kept), len(held)) == (11, 1)


def test_a_replacement_character_is_utf8(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("a \ufffd b", "utf-8")
    assert read_texts(path).texts[0].text == "a \ufffd b"
