"""The command line: what it prints, and what it leaves behind."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import gruta
from gruta.runs import CHECKPOINT, METRICS, MODEL, Run
from gruta.runs.lock import training_alone
from gruta.tasks.classify.conftest import words
from gruta.tasks.generate.conftest import rhyme
from gruta.tests.command import (
    ROWS,
    launched,
    rejects,
    short,
    stamp,
)


def test_train_prints_json_and_leaves_a_whole_run(trained):
    done, run, _ = trained
    assert done.code == 0
    result = json.loads(done.out)
    assert result["run"] == str(run)
    assert result["report"] == str(run / "report.html")
    simple = ["naive", "drift", "seasonal naive 24", "linear"]
    assert [s["model"] for s in result["scores"]] == ["gru", *simple]
    assert set(result["scores"][0]) == {
        "model", "parameters", "smape", "mae", "rmse", "mase", "crps", "coverage"
    }  # fmt: skip
    assert "forward" in result["profile"]
    left = {path.name for path in run.iterdir()}
    assert {"run.json", "settings.toml", METRICS, MODEL, CHECKPOINT, "codec.json"} <= left
    assert {"report.html", "forecast.png", "loss.png"} <= left
    assert not [name for name in left if "partial" in name]
    assert "step 6 of 6" in done.err


def test_evaluate_agrees_with_the_scores_of_training(trained, run_gruta):
    done, run, path = trained
    found = json.loads(run_gruta("evaluate", run, path, "--stride", 2, "--json").out)
    assert found["scores"] == json.loads(done.out)["scores"]
    shown = run_gruta("evaluate", run, path).out
    assert "sMAPE (%)" in shown
    assert "seasonal naive" in shown


def test_evaluate_writes_every_forecast(trained, run_gruta, tmp_path):
    _, run, path = trained
    mae = json.loads(run_gruta("evaluate", run, path, "--json").out)["scores"][0]["mae"]
    done = run_gruta("evaluate", run, path, "--out", tmp_path / "all.parquet", "--json")
    assert done.err.splitlines()[-1] == f"Wrote {tmp_path / 'all.parquet'}"
    table = pl.read_parquet(tmp_path / "all.parquet")
    assert (table["forecast"] - table["y"]).abs().mean() == pytest.approx(mae)
    rejects(run_gruta("evaluate", run, path, "--out", "all.xls"), "--out: expected a file that")


def test_predict_needs_the_run_and_the_new_file_alone(trained, run_gruta, tmp_path, monkeypatch):
    _, run, path = trained
    expected = run_gruta("predict", run, path).out
    (tmp_path / "tonight").mkdir()
    kept = shutil.copytree(run, tmp_path / "kept")
    new = shutil.copy(path, tmp_path / "tonight" / "rows.csv")
    monkeypatch.chdir(tmp_path / "tonight")
    done = run_gruta("predict", "../kept", "rows.csv")
    assert (done.code, done.out) == (0, expected)
    needed = {"run.json", "settings.toml", "codec.json", MODEL}
    for left in kept.iterdir():
        if left.name not in needed:
            left.unlink()
    kept.chmod(0o555)
    assert run_gruta("predict", kept, new).out == expected
    kept.chmod(0o755)


def test_predict_prints_or_writes_the_forecast(trained, run_gruta, tmp_path):
    _, run, path = trained
    printed = run_gruta("predict", run, path)
    assert printed.code == 0
    lines = printed.out.splitlines()
    assert lines[0] == "ds,forecast,q10,q50,q90"
    assert [line.split(",")[0][:16] for line in lines[1:]] == [
        stamp(ROWS + i).replace(" ", "T") for i in range(2)
    ]
    as_json = json.loads(run_gruta("predict", run, path, "--json").out)
    assert as_json[0]["forecast"] == pytest.approx(float(lines[1].split(",")[1]))
    out = tmp_path / "forecast.csv"
    assert run_gruta("predict", run, path, "--out", out).out == ""
    assert out.read_text() == printed.out


def test_trains_on_parquet_with_options_given_several_times(run_gruta, csv, monkeypatch):
    monkeypatch.chdir(csv.parent)
    frame = pl.read_csv(csv).with_columns(a=pl.col("y") * 2, b=pl.lit(1.0))
    frame.write_parquet("demand.parquet")
    arguments = short(*shlex.split("--known a --known b --quantiles 0.5 --quantiles 0.75"))
    done = run_gruta("train", "forecast", "demand.parquet", "--test-share", 0, *arguments)
    assert done.code == 0
    assert done.out == "Run: runs/demand-gru\n"
    settings = Run.open(Path("runs/demand-gru"), "forecast").settings()
    assert (settings["known"], settings["quantiles"]) == (["a", "b"], [0.5, 0.75])


def test_dry_run_reads_and_tells_and_leaves_nothing(run_gruta, csv):
    before = sorted(os.listdir(csv.parent))
    done = run_gruta("train", "forecast", csv, *short(), "--dry-run")
    assert done.code == 0, done.err
    assert "training ends" in done.out
    assert "--frequency" in done.err
    told = json.loads(run_gruta("train", "forecast", csv, *short(), "--dry-run", "--json").out)
    assert told["data"]["step"] == "1h"
    assert sorted(os.listdir(csv.parent)) == before


def test_overwriting_keeps_the_earlier_run_until_the_new_one_is_whole(trained, run_gruta, tmp_path):
    _, whole, path = trained
    run = shutil.copytree(whole, tmp_path / "run")
    before = (run / MODEL).read_bytes()
    again = ("train", "forecast", path, "--run", run, "--overwrite")
    assert run_gruta(*again, *short("--target", "z")).code == 2
    assert (run / MODEL).read_bytes() == before
    done = run_gruta(*again, *short("--seed", 5))
    assert done.code == 0, done.err
    assert (run / MODEL).read_bytes() != before
    assert os.listdir(tmp_path) == ["run"]
    rejects(run_gruta("train", "forecast", path, "--run", tmp_path, "--overwrite"), "to replace")
    with training_alone(Run(run)):
        rejects(run_gruta(*again, *short()), f"{run}: a process is training there")
    run.rename(tmp_path / ".run.old")  # cut off between the two renamings
    assert run_gruta(*again, *short("--target", "z")).code == 2
    assert (run / MODEL).is_file()


def test_settings_are_found_out_within_a_budget_and_told(run_gruta, csv):
    asked = ("train", "forecast", csv, *short(), "--run", csv.with_name("run"))
    done = run_gruta(*asked, "--auto", "0.001")
    assert done.code == 0
    assert "What was tried before training" in done.out
    assert "the settings stay as they are: 0.001 s were too few" in done.out
    assert "linear path: transform none" in done.err
    again = run_gruta(*asked, "--auto", "0.001", "--resume", "--json")
    assert json.loads(again.out)["chosen"]["transform"] == "none"
    assert "linear path" not in again.err
    rejects(run_gruta(*asked, "--auto", "5", "--compare"), "--auto: --compare trains all three")


def test_three_cells_are_compared_on_one_budget_and_listed(run_gruta, csv):
    where = csv.parent / "cells"
    compared = ("train", "forecast", csv, "--run", where, "--compare", "--json", *short())
    told = json.loads(run_gruta(*compared).out)
    models = ["gru", "lstm", "rnn", "naive", "drift", "seasonal naive 24", "linear"]
    assert [s["model"] for s in told["scores"]] == models
    sizes = [s["parameters"] for s in told["scores"][:3]]
    assert max(sizes) < 1.15 * min(sizes)
    before = (where / "lstm" / MODEL).read_bytes()
    assert json.loads(run_gruta(*compared).out)["scores"] == told["scores"]  # as they are
    assert (where / "lstm" / MODEL).read_bytes() == before
    listed = json.loads(run_gruta("runs", where, "--json").out)
    assert [one["settings"]["cell"] for one in listed] == ["gru", "lstm", "rnn"]
    assert {one["state"] for one in listed} == {"finished"}
    assert [one["scores"]["smape"] for one in listed] == [s["smape"] for s in told["scores"][:3]]
    shown = run_gruta("runs", where).out
    assert "hidden" in shown
    assert "cell lstm" in shown
    assert "sMAPE (%)" in shown
    narrow = launched("runs", where, GRUTA_LANG="pt", COLUMNS="80").out
    assert "previsores" in narrow
    assert "cell lstm" in narrow
    rejects(run_gruta("runs", csv.parent / "none"), "expected a run, or a folder of runs")
    rejects(run_gruta(*compared, "--cell", "gru"), "--cell: --compare trains all three")


def test_classifier_is_trained_asked_scored_and_looked_into(run_gruta, tmp_path):
    words().write_csv(tmp_path / "texts.csv")
    run = tmp_path / "run"
    options = ("--hidden", 6, "--steps", 20, "--batch-size", 8, "--validate-every", 5)
    done = run_gruta("train", "classify", tmp_path / "texts.csv", "--run", run, *options)
    assert done.code == 0, done.err
    assert "naive Bayes on the same units" in done.out
    assert (run / "calibration.png").is_file()
    told = json.loads(run_gruta("evaluate", run, tmp_path / "texts.csv", "--json").out)
    assert [s["model"] for s in told["scores"]][:2] == ["gru", "majority"]
    words(9).write_csv(tmp_path / "new.csv")
    rows = run_gruta("predict", run, tmp_path / "new.csv").out.splitlines()
    assert rows[0] == "case,label,certainty,p(en),p(pt)"
    assert len(rows) == 10
    beside = run_gruta("evaluate", run, tmp_path / "new.csv")
    assert "TF-IDF of words" in beside.out  # trained on what the run read, which is still there
    words(100).write_csv(tmp_path / "texts.csv")
    alone = run_gruta("evaluate", run, tmp_path / "new.csv")
    assert "texts.csv, which the network was trained on, is not there any more, or" in alone.out
    assert "Give it with --train" in alone.out
    assert run_gruta("train", "classify", "--help").out.count("--no-bidirectional") == 1
    rejects(run_gruta("inspect", run, tmp_path / "new.csv", "--number", 0), "--number: expected")
    looked = run_gruta("inspect", run, tmp_path / "new.csv", "--number", 2, "--json")
    assert json.loads(looked.out)["answer"].startswith(("en (", "pt ("))
    assert json.loads(looked.out)["shown"].startswith(f"case 2 of {tmp_path}/new.csv, whose class")
    for text in (("mar uma sol",), ("--text", "mar uma sol")):
        read = run_gruta("inspect", run, *text, "--out", tmp_path / "xray")
        assert "The network's answer: " in read.out, read.err
        assert "at most" in read.out
        assert "away, before or after" in read.out
    assert "The network&#39;s answer: " in (tmp_path / "xray" / "xray.html").read_text()
    rejects(run_gruta("inspect", run, "no.csv"), "no.csv: expected a CSV, Excel or Parquet file")
    rejects(run_gruta("inspect", run), "INPUT: expected what the run reads: gruta inspect")
    rejects(run_gruta("evaluate", run, tmp_path / "new.csv", "--from", "2024"), "--from: the run")


def test_generator_is_trained_on_several_files_writes_scores_and_is_looked_into(
    run_gruta, tmp_path
):
    for name in ("a.txt", "b c.txt"):
        (tmp_path / name).write_text(rhyme(60), "utf-8")
    run, files = tmp_path / "run", (tmp_path / "a.txt", tmp_path / "b c.txt")
    options = ("--hidden", 6, "--embedding", 4, "--steps", 4, "--batch-size", 4, "--tbptt", 16)
    done = run_gruta("train", "generate", *files, "--run", run, *options)
    assert done.code == 0, done.err
    assert "Kneser-Ney smoothing" in done.out
    assert "it writes: " in done.err
    again = run_gruta("train", "generate", *files, "--run", run, "--resume", "--json")
    both, alone = (one["model"] for one in json.loads(again.out)["scores"][:2])
    assert (both.split("+")[0], alone) == ("gru", "gru")
    shown = run_gruta("generate", run, "--prompt", "o mar", "--length", 30)
    assert shown.out.startswith("o mar")
    assert len(shown.out) == len("o mar") + 31
    several = run_gruta("generate", run, "--count", 3, "--length", 5, "--stop", "\n", "--json")
    assert len(json.loads(several.out)["texts"]) == 3
    out = tmp_path / "made.txt"
    assert run_gruta("generate", run, "--length", 9, "--out", out).out == ""
    assert len(out.read_text("utf-8")) == 10
    scored = json.loads(run_gruta("score", run, files[0], "--json").out)
    assert scored["bits"] > 0
    assert scored["surprises"]
    assert (run / "score" / "report.html").is_file()
    learned = run_gruta("score", run, files[0], "--dynamic", 0.001)
    assert "learning GRU" in learned.out, learned.err
    assert "100% read" in learned.err
    beside = run_gruta("evaluate", run, files[0]).out
    assert "how often each unit comes" in beside  # of the run's own files, which are still there
    looked = run_gruta("inspect", run, "o mar vem", "--out", tmp_path / "xray")
    assert "what came next was least expected" in looked.out
    assert "of 9 steps" in looked.out
    assert "The network's answer: " in looked.out, looked.err
    rejects(run_gruta("generate", run, "--top-p", 0), "--top-p: expected a number above 0")
    rejects(run_gruta("generate", run, "--out", tmp_path / "no" / "x.txt"), "expected a directory")
    rejects(run_gruta("generate", tmp_path / "none"), "expected the directory of a run")


def test_several_networks_are_one_run(csv, run_gruta, tmp_path):
    run, several = tmp_path / "run", ("--strategy", "both", "--ensemble", 2, "--block", 1)
    done = run_gruta("train", "forecast", csv, "--run", run, *short(*several), "--json")
    assert done.code == 0, done.err
    assert "run, 4 of 4 (recursive-1): step 0 of 6, -, " in done.err
    text = (run / "report.html").read_text(encoding="utf-8")
    assert all(f"{name}-{seed}" in text for name in ("direct", "recursive") for seed in (0, 1))
    assert run_gruta("evaluate", run, csv, "--json").code == 0
    longer = ("predict", run, csv, "--horizon", 3)
    rejects(run_gruta(*longer), "--horizon: expected at most the 2 steps")
    assert len(run_gruta("predict", run / "members" / "recursive-0", *longer[2:]).out.split()) == 4
    rejects(run_gruta("inspect", run, csv), "an ensemble: look into one of its networks")
    rejects(run_gruta("explain", run, csv), "strategy: parts add up to a forecast where")
    told = run_gruta("train", "forecast", csv, *short(*several), "--dry-run", "--json")
    alone = run_gruta("train", "forecast", csv, *short(), "--dry-run", "--json")
    assert json.loads(told.out)["parameters"] > 2 * json.loads(alone.out)["parameters"]


def test_help_lists_the_commands(run_gruta):
    done = run_gruta("--help")
    assert done.code == 0
    for command in ("train", "evaluate", "predict", "inspect", "study", "demo", "bench"):
        assert f" {command} " in done.out
    assert "--lookback" in run_gruta("train", "forecast", "--help").out
    again = run_gruta("train", "forecast", "a", "b", "--steps", 1, "--steps", 2, "--help")
    assert "--lookback" in again.out


def test_version(run_gruta):
    assert run_gruta("--version").out == f"{gruta.__version__}\n"


def test_version_is_told_without_the_command_lines_packages():
    program = "import sys; sys.modules['typer'] = None; from gruta.cli import main; main()"
    command = [sys.executable, "-c", program, "--version"]
    assert subprocess.check_output(command, text=True) == f"{gruta.__version__}\n"


def test_table_in_a_file_has_every_column(trained):
    _, run, path = trained
    out = launched("evaluate", run, path).out
    for column in ("sMAPE", "MAE", "RMSE", "MASE", "coverage", "parameters"):
        assert column in out


def test_unknown_command_is_refused(run_gruta):
    rejects(run_gruta("trian"), "trian: no such command; did you mean train?")
    rejects(run_gruta("train", "forcast"), "forcast: no such command; did you mean forecast?")
    rejects(run_gruta("evaluate", "run"), "FILE: expected a value, got none")
    rejects(run_gruta("quite other"), "quite other: no such command Try: gruta --help")


def test_portuguese_is_spoken_in_help_and_output(trained):
    _, run, path = trained
    for way in (["--lang", "pt-BR", "--help"], ["--lang=pt", "-h"], ["--help", "--lang", "pt"]):
        done = launched(*way, COLUMNS="120")
        assert done.code == 0
        assert "Treina" in done.out
        assert "Train a model" not in done.out
    assert "Treina" in launched("--help", GRUTA_LANG="pt_BR", COLUMNS="120").out
    out = launched("evaluate", run, "--lang", "pt-BR", path, COLUMNS="120").out
    assert "parâmetros" in out


def test_unknown_language_is_refused():
    rejects(launched("--lang", "xx", "--help"), "--lang: expected one of en, pt_BR")
    rejects(launched("--help", GRUTA_LANG="fr"), "GRUTA_LANG: expected one of en, pt_BR")


def test_bug_is_not_dressed_up_as_a_mistake_of_the_user(trained, run_gruta, monkeypatch):
    monkeypatch.setattr(Run, "open", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run_gruta("predict", trained[1], trained[2])
