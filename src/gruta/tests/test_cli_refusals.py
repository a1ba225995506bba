"""How the command line refuses: one message, exit code 2, and nothing left behind."""

import json
import os

import pytest

from gruta.runs import MODEL
from gruta.tests.command import rejects, short, stamp, table

BAD_FILES = {
    "empty": ("", "expected a line of column names"),
    "binary": (bytes(range(256)) * 40, "demand.csv", "expected"),
    "no such column": (table().replace("ds,y", "ds,z"), "expected a column 'y', found 'ds', 'z'"),
    "text": (table(row_5=f"{stamp(4)},many"), "row 5, column 'y'", "number, found 'many'"),
    "uneven": (
        table(row_5=f"{stamp(4)[:-2]}07,1"),
        "row 5, column 'ds'",
        "move its stamp, or say with the setting frequency",
    ),
    "no date": (table(row_5="soon,1"), "row 5, column 'ds'", "stamp", "found 'soon'"),
    "infinity": (table(row_5=f"{stamp(4)},inf"), "row 5, column 'y'", "expected a number"),
    "constant": ("ds,y\n" + "".join(f"{stamp(h)},1\n" for h in range(200)), "column 'y'", "varies"),
    "short": (
        table(30),
        "rows to train on, but a lookback of 24",
        "take a shorter lookback or horizon",
    ),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file_is_refused_and_nothing_is_left(run_gruta, csv, name):
    content, *words = BAD_FILES[name]
    csv.write_bytes(content if isinstance(content, bytes) else content.encode())
    run = csv.parent / "run"
    rejects(run_gruta("train", "forecast", csv, "--run", run, *short()), str(csv), *words)
    assert os.listdir(csv.parent) == [csv.name]


BAD_OPTIONS = {
    "--steps -3": ("--steps: expected a whole number above 0, got -3",),
    "--horizon many": ("--horizon: expected a whole number, got 'many'",),
    "--cell gpu": ("--cell: expected one of gru, lstm, rnn, got 'gpu'",),
    "--clip value": ("--clip-threshold: clip 'value' has no threshold of its own; give one",),
    "--from soon": ("--from: no such option",),
    "--quantiles 0.1 --quantiles 0.9": ("quantiles", "with 0.5 among them"),
    "--quantiles 0.5 --quantiles 1.5": ("quantiles", "between 0 and 1"),
    "--test-share 0.9 --seed -1": (
        "--seed: expected a whole number of at least 0, got -1; "
        "--test-share: expected a number below 0.5, got 0.9",
    ),
    "--target z": ("expected a column 'z'", "'y'"),
    "--known y": ("column 'y' is used twice",),
    "--tbptt 5000": ("tbptt", "got 5000"),
    "--speed 3": ("--speed: no such option", "Try: gruta train forecast --help"),
    "--horizn 3": ("--horizn: no such option; did you mean --horizon?",),
    "--tracker": ("--tracker: expected a value, got none",),
    "--resume=yes": ("--resume: takes no value",),
    "--target y --target z": ("--target: given 2 times; give it once",),
    "--lang en --lang pt": ("--lang: given 2 times; give it once",),
    "more.csv": ("more.csv: more than the command takes",),
    "--resume": ("run: expected the directory of a run, found none",),
}


@pytest.mark.parametrize("options", BAD_OPTIONS)
def test_bad_option_is_refused_and_nothing_is_left(run_gruta, csv, options):
    arguments = short(*options.split())
    done = run_gruta("train", "forecast", csv, "--run", csv.parent / "run", *arguments)
    rejects(done, *BAD_OPTIONS[options])
    assert os.listdir(csv.parent) == [csv.name]


def test_tracker_that_is_missing_leaves_no_run(run_gruta, csv):
    done = run_gruta("train", "forecast", csv, "--run", csv.parent / "run", "--tracker", "comet_ml")
    rejects(done, "--tracker: comet_ml is not installed; pip install it")
    assert os.listdir(csv.parent) == [csv.name]


def test_missing_file_is_refused(run_gruta, tmp_path):
    done = run_gruta("train", "forecast", tmp_path / "no.csv", "--run", tmp_path / "run")
    rejects(done, f"{tmp_path}/no.csv: expected a CSV, Excel or Parquet file, found no file")
    assert not os.listdir(tmp_path)


def test_directory_that_is_in_use_is_refused_and_kept(run_gruta, csv):
    (csv.parent / "notes.txt").write_text("mine")
    done = run_gruta("train", "forecast", csv, "--run", csv.parent, *short())
    rejects(done, f"{csv.parent}: exists already; go on with it by --resume, put a new run in its")
    assert sorted(os.listdir(csv.parent)) == [csv.name, "notes.txt"]


def unfinished(run):
    (run / "codec.json").unlink()
    (run / MODEL).unlink()


def newer(run):
    about = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(about | {"format": 99}))


BAD_RUNS = {
    "none": (lambda run: run.rename(run.with_name("elsewhere")), "expected the directory of a run"),
    "unfinished": (unfinished, "the run is incomplete; resume it, or train again"),
    "newer": (newer, "the run has format 99, this gruta reads 1", "install"),
    "cut": (lambda run: os.truncate(run / MODEL, 500), MODEL, "not a whole safetensors file"),
    "broken": (lambda run: (run / "settings.toml").write_text("steps = ="), "not valid TOML"),
    "wrong": (lambda run: (run / "settings.toml").write_text("step = 1"), "settings.toml: changed"),
}


@pytest.mark.parametrize("command", ["evaluate", "predict"])
@pytest.mark.parametrize("name", BAD_RUNS)
def test_broken_run_is_refused(trained, run_gruta, tmp_path, command, name):
    _, whole, path = trained
    run = tmp_path / "run"
    run.mkdir()
    for file in whole.iterdir():
        (run / file.name).write_bytes(file.read_bytes())
    harm, *words = BAD_RUNS[name]
    harm(run)
    rejects(run_gruta(command, run, path), str(run), *words)


def test_resume_with_other_settings_or_data_is_refused(trained, run_gruta, csv):
    _, run, path = trained
    before = {file.name: file.read_bytes() for file in run.iterdir()}
    again = ("--run", run, "--resume")
    done = run_gruta("train", "forecast", path, *again, "--hidden", 9)
    rejects(done, f"{run}: the run was started with another hidden", "same settings")
    csv.write_text(table(row_5=f"{stamp(4)},99"))
    done = run_gruta("train", "forecast", csv, *again)
    rejects(done, f"{run}: the run was started with other data", "same rows and columns")
    assert {file.name: file.read_bytes() for file in run.iterdir()} == before


@pytest.mark.parametrize("out", ["none/forecast.csv", "."])
def test_forecast_that_cannot_be_written_is_said(trained, run_gruta, tmp_path, out):
    _, run, path = trained
    rejects(run_gruta("predict", run, path, "--out", tmp_path / out), str(tmp_path))
    assert not os.listdir(tmp_path)
