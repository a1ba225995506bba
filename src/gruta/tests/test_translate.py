"""The translator from the command line: trained, asked, scored, looked into."""

import io
import json
import subprocess
import sys

import polars as pl
import pytest

from gruta import Translator
from gruta.tasks.translate.conftest import backwards, sentences

SMALL = {"hidden": 24, "embedding": 16, "layers": 1, "batch_size": 32, "steps": 250}
ASKED = ["the big dog", "fish sees the sun sea"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Of a network that turns words round."""
    place = tmp_path_factory.mktemp("translator") / "run"
    how = SMALL | {"learning_rate": 0.02, "dropout": 0.1}
    Translator(**how).fit(sentences(400), run=place)
    return place


def test_a_trained_translator_is_asked_without_torch(run):
    program = (
        "import sys, gruta\n"
        "translator = gruta.Translator.load(sys.argv[1])\n"
        "print(translator.nbest(sys.argv[2:], best=1)[0][0].text)\n"
        "assert not {'torch', 'matplotlib', 'sacrebleu'} & set(sys.modules)"
    )
    command = [sys.executable, "-c", program, str(run), ASKED[0]]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == backwards(ASKED[0])


def test_the_command_line_translates_texts_files_and_standard_input(
    run, run_gruta, tmp_path, monkeypatch
):
    said = [backwards(one) for one in ASKED]
    done = run_gruta("translate", run, *ASKED)
    assert done.out.splitlines() == said, done.err
    (tmp_path / "texts.txt").write_text("\n".join(ASKED), "utf-8")
    assert run_gruta("translate", run, "--file", tmp_path / "texts.txt").out == done.out
    given = io.BytesIO(f"{ASKED[0]}\n\n{ASKED[1]}\n".encode())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(given))
    assert run_gruta("translate", run).out.splitlines() == [said[0], "", said[1]]
    rows = json.loads(run_gruta("translate", run, ASKED[0], "--best", 2, "--json").out)
    assert [row["rank"] for row in rows] == [1, 2]
    assert rows[0]["translation"] == said[0]
    drawn = run_gruta("translate", run, ASKED[0], "--attention", "--page", tmp_path / "page.html")
    assert "█" in drawn.out
    assert "What each unit that was written looked at" in (tmp_path / "page.html").read_text(
        "utf-8"
    )
    asked = run_gruta("predict", run, tmp_path / "texts.txt", "--out", tmp_path / "said.csv")
    assert asked.code == 0, asked.err
    assert pl.read_csv(tmp_path / "said.csv")["translation"].to_list() == said
    best = run_gruta("translate", run, ASKED[0], "--best", 2).out.splitlines()
    assert [line.count("\t") for line in best] == [1, 1]
    assert run_gruta("translate", run, "").err.startswith("gruta: texts: source 1: expected a text")
    assert "give one or the other" in run_gruta("translate", run, "a", "--file", "b").err


def test_two_files_line_by_line_train_and_are_scored(run_gruta, tmp_path):
    some = sentences(100)
    for name, column in (("a.en", "source"), ("a.pt", "target")):
        (tmp_path / name).write_text("\n".join(some[column]), "utf-8")
    files, run = (tmp_path / "a.en", "--targets", tmp_path / "a.pt"), tmp_path / "run"
    short = ["--hidden", "4", "--embedding", "4", "--steps", "2", "--batch-size", "8"]
    done = run_gruta("train", "translate", *files, "--run", run, *short)
    assert done.code == 0, done.err
    assert (run / "report.html").is_file()
    first = json.loads(run_gruta("evaluate", run, tmp_path / "a.en", "--json").out)
    assert len(first["scores"]) == 3
    again = json.loads(run_gruta("evaluate", run, *files, "--json").out)
    assert again == first
    (tmp_path / "b.en").write_text("the sea", "utf-8")
    assert "with the setting targets" in run_gruta("evaluate", run, tmp_path / "b.en").err
    looked = run_gruta("inspect", run, "the sea", "--json")
    assert looked.code == 0, looked.err
