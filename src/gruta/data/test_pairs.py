"""Pairs of texts, from wherever they come; what does not fit, and where."""

import polars as pl
import pytest

from gruta.data.pairs import Columns, read_pairs
from gruta.data.parts import apart
from gruta.errors import InputError
from gruta.reading import Reading

NONE = Columns()
PAIRS = [("good day", "bom dia"), ("a sea", "um mar")]


def taken(pairs):
    return list(zip(pairs.sources, pairs.targets, strict=True))


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def test_pairs_are_the_same_from_everything_that_holds_them(tmp_path):
    table = pl.DataFrame(PAIRS, schema=["source", "target"], orient="row")
    table.write_csv(tmp_path / "a.csv")
    table.write_parquet(tmp_path / "a.parquet")
    table.write_ndjson(tmp_path / "a.jsonl")
    rows = "\n".join("\t".join(pair) for pair in PAIRS)
    write(tmp_path / "a.tsv", rows)
    write(tmp_path / "b.tsv", f"source\ttarget\n{rows}\n")
    write(tmp_path / "c.txt", f"\n{rows}\r\n\n", "utf-16")
    write(tmp_path / "a.en", "good day\na sea\n")
    write(tmp_path / "a.pt", "bom dia\num mar")
    names = ["a.csv", "a.parquet", "a.jsonl", "a.tsv", "b.tsv", "c.txt"]
    found = [read_pairs(tmp_path / name, NONE) for name in names]
    found += [read_pairs(tmp_path / "a.en", NONE, targets=tmp_path / "a.pt")]
    found += [read_pairs((tmp_path / "a.en", tmp_path / "a.pt"), NONE)]
    found += [read_pairs(given, NONE) for given in (PAIRS, tuple(zip(*PAIRS, strict=True)), table)]
    assert [taken(one) for one in found] == [PAIRS] * len(found)
    assert len({one.fingerprint() for one in found}) == 1
    assert not any(one.guesses for one in found if one.source[-5:] != "c.txt")


def test_columns_are_those_named_else_the_first_two_which_is_told():
    table = pl.DataFrame({"n": [1], "en": ["a"], "pt": ["b"], "file": ["f"]})
    first = read_pairs(table, NONE)
    assert taken(first) == [("1", "a")]
    assert [guess.told() for guess in first.guesses] == [
        "source column: n (a guess; source_column overrules it)",
        "target column: en (a guess; target_column overrules it)",
    ]
    named = read_pairs(table, Columns("pt", "en", "file"))
    assert taken(named) == [("b", "a")]
    assert named.groups == ["f"]
    assert not named.guesses


def test_lines_may_name_their_columns_and_hold_quotes(tmp_path):
    path = write(tmp_path / "a.tsv", 'file\ten\tpt\nf\t"Hi," he said\t"a ""b"" c"\n')
    found = read_pairs(path, Columns("en", "pt", "file"))
    assert taken(found) == [('"Hi," he said', 'a "b" c')]
    assert found.groups == ["f"]
    with pytest.raises(InputError, match=r"source_column: .*no column 'fr', but 'file', 'en'"):
        read_pairs(path, Columns("fr", "pt"))
    usual = write(tmp_path / "b.tsv", "source\ttarget\na\tb\n")
    with pytest.raises(InputError, match=r"group: .*no column 'doc', but 'source', 'target'"):
        read_pairs(usual, Columns(group="doc"))


def test_texts_alone_will_do_for_who_is_asked(tmp_path):
    path = write(tmp_path / "a.txt", "good day\n\na sea\n")
    assert read_pairs(path, NONE, lone=True).sources == ["good day", "a sea"]
    table = pl.DataFrame({"source": ["a"], "other": ["b"]})
    table.write_csv(tmp_path / "a.csv")
    assert read_pairs(tmp_path / "a.csv", NONE, lone=True).targets is None
    with pytest.raises(
        InputError, match="name the file of the other side with the setting targets"
    ):
        read_pairs(["a"], NONE).require_targets()


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("a.tsv", "a\tb\n\nno tab here\n", r"a.tsv: row 3: .* found no tab: 'no tab here'"),
        ("a.tsv", "source\ttarget\na\tb\nc\n", r"a.tsv: row 2: .* found no tab: 'c'"),
        ("a.tsv", "a\tb\nc\t \n", r"a.tsv: row 2, column 'target': expected a text, found none"),
        ("a.csv", "source,target\na,b\n ,c\n", r"a.csv: row 2, column 'source': expected a text"),
        ("a.jsonl", '{"source": "a"}\n', r"a.jsonl: expected two columns, .*found 'source'"),
        ("a.jsonl", '{"source": "a", "target": ""}\n', r"row 1, column 'target': expected a text"),
        ("a.tsv", "", r"a.tsv: expected at least one pair, found none"),
        ("a.tsv", "source\ttarget\n", r"a.tsv: expected at least one text, found none"),
        ("a.csv", "", r"a.csv: expected a line of column names first, found none"),
    ],
)
def test_what_is_no_pair_is_named_by_file_and_row(tmp_path, name, text, problem):
    path = write(tmp_path / name, text)
    with pytest.raises(InputError, match=problem):
        read_pairs(path, NONE)


def test_two_files_have_a_line_for_each_other(tmp_path):
    en, pt = write(tmp_path / "en", "a\n\nb\n"), tmp_path / "pt"
    write(pt, "x\ny\n")
    with pytest.raises(InputError, match=r"en has 3 lines, .*pt has 2; expected a line for each"):
        read_pairs(en, NONE, targets=pt)
    write(pt, "x\nz\ny\n")
    with pytest.raises(InputError, match=r"en: row 2: expected a text, found none; .*pt has one"):
        read_pairs(en, NONE, targets=pt)
    with pytest.raises(InputError, match=r"none: expected a file of texts, found no file"):
        read_pairs(tmp_path / "none", NONE)


def test_encodings_are_found_or_refused(tmp_path):
    path = write(tmp_path / "a.tsv", "day\tamanhã é dia\n", "cp1252")
    found = read_pairs(path, NONE)
    assert found.targets == ["amanhã é dia"]
    assert found.guesses[0].value == "Windows-1252"
    with pytest.raises(InputError, match=r"a.tsv: not text in utf-8 .*say its encoding"):
        read_pairs(path, NONE, Reading(encoding="utf-8"))
    path.write_bytes("amanhã\té\n".encode() + "amanhã\té\n".encode("cp1252"))
    with pytest.raises(InputError, match="is UTF-8 in some places only"):
        read_pairs(path, NONE)


def test_what_python_gives_is_checked():
    for given, problem in [
        ((["a"], ["b", "c"]), "expected a target for each of 1 sources, got 2"),
        ((["a", " "], ["b", "c"]), "source 2: expected a text, got a blank one"),
        (([1], ["b"]), "source 1: expected a whole text, got 1"),
        ((["a"], ["\ud800"]), "target 1: expected a whole text"),
        ([], "expected at least one text, found none"),
    ]:
        with pytest.raises(InputError, match=problem):
            read_pairs(given, NONE)


def test_groups_are_held_out_whole():
    groups = [f"g{i % 40}" for i in range(400)]
    held, rest = apart(groups, 0.1, seed=3)
    assert len(held) == 40
    assert sorted([*held, *rest]) == list(range(400))
    assert not {groups[i] for i in held} & {groups[i] for i in rest}
    assert apart(groups, 0.1, seed=4)[0].tolist() != held.tolist()
    assert len(apart(groups, 0.0, seed=3)[0]) == 0
