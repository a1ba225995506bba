"""How a table is read: what the command line tells of it, takes, and keeps in a run."""

import json
import tomllib

import polars as pl
import pytest

from gruta.tests.command import ROWS, short, value

HEADER = "Instante;Preço\n"


def hours(first, last):
    """As a Brazilian office exports them."""
    days = (f"{1 + i // 24:02}/02/2024 {i % 24:02}:00" for i in range(first, last))
    rows = (f"{day};{value(i):.3f}\n" for day, i in zip(days, range(first, last), strict=True))
    return HEADER + "".join(rows).replace(".", ",")


@pytest.fixture
def export(tmp_path):
    path = tmp_path / "preços.csv"
    path.write_bytes(hours(0, ROWS).encode("cp1252"))
    return path


NAMES = ("--time", "Instante", "--target", "Preço")


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        (
            "en",
            [
                "encoding: Windows-1252 (a guess; --encoding overrules it)",
                "separator: ; (a guess; --separator overrules it)",
                "dates: day first (a guess; --dates overrules it)",
                "decimal mark: , (a guess; --decimal overrules it)",
            ],
        ),
        (
            "pt",
            [
                "codificação: Windows-1252 (suposição; --encoding a corrige)",
                "separador: ; (suposição; --separator a corrige)",
                "datas: dia primeiro (suposição; --dates a corrige)",
                "separador decimal: , (suposição; --decimal a corrige)",
            ],
        ),
    ],
)
def test_guesses_are_told_once_beside_the_results(run_gruta, export, tmp_path, language, lines):
    run, asked = tmp_path / "run", ("--lang", language)
    for command in (
        ("train", "forecast", export, "--run", run, *short(*NAMES)),
        ("predict", run, export),
        ("evaluate", run, export),
    ):
        done = run_gruta(*asked, *command)
        assert done.code == 0
        told = [line for line in done.err.splitlines() if line.startswith(str(export))]
        assert told[: len(lines)] == [f"{export}: {line}" for line in lines]
        assert ["--frequency" in line for line in told[len(lines) :]] == [True] * (
            "train" in command
        )
    assert "--decimal" not in run_gruta("evaluate", run, export, "--json").err


def test_what_was_said_in_training_holds_for_the_run(run_gruta, export, tmp_path):
    run, few = tmp_path / "run", tmp_path / "few.csv"
    said = ("--encoding", "cp1252", "--separator", ";", "--decimal", ",", "--dates", "day-first")
    train = ("train", "forecast", export, "--run", run, *short(*NAMES), *said, "--json")
    assert json.loads(run_gruta(*train).out)["scores"]
    settings = tomllib.loads((run / "settings.toml").read_text())
    assert [settings[name[2:]] for name in said[::2]] == list(said[1::2])
    few.write_bytes(hours(0, 100).encode("cp1252"))  # no day beyond the fifth
    done = run_gruta("predict", run, few)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[1].startswith("2024-02-05T04:00")
    few.write_text(hours(0, 100))
    done = run_gruta("predict", run, few)
    assert (done.code, "expected a column 'Preço'" in done.err) == (2, True)
    assert run_gruta("predict", run, few, "--encoding", "utf-8").code == 0
    assert run_gruta("inspect", run, few, "--encoding", "utf-8", "--json").code == 0


def test_a_run_that_guessed_can_be_told(run_gruta, export, tmp_path):
    run, few = tmp_path / "run", tmp_path / "few.csv"
    assert run_gruta("train", "forecast", export, "--run", run, *short(*NAMES)).code == 0
    few.write_text(hours(0, 100))
    done = run_gruta("predict", run, few)
    assert done.code == 2
    assert "'01/02/2024 00:00' reads as 2024-02-01 and as 2024-01-02" in done.err
    assert "--dates: say day-first or month-first" in done.err
    assert run_gruta("predict", run, few, "--dates", "day-first").code == 0
    done = run_gruta("predict", run, few, "--dates", "first")
    assert (done.code, "--dates: expected day-first, month-first" in done.err) == (2, True)


def test_a_classifier_reads_so_too(run_gruta, tmp_path):
    rows = [(f"{'sol' if i % 2 else 'chuva'} número {i}", "ab"[i % 2]) for i in range(40)]
    path, run = tmp_path / "t.txt", tmp_path / "run"
    frame = pl.DataFrame(rows, ["text", "label"], orient="row")
    path.write_bytes(frame.write_csv(separator="\t").encode("utf-16"))
    train = ("train", "classify", path, "--run", run, "--steps", 2, "--hidden", 4)
    assert f"{path}: separator: tab (a guess" in run_gruta(*train).err
    done = run_gruta("predict", run, path, "--separator", "tab", "--encoding", "utf-16")
    assert (done.code, done.err) == (0, "")
