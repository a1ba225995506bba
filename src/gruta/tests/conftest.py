"""The entry point, a small series, and a forecaster that was trained on it."""

import json
import sys
from pathlib import Path

import pytest

from gruta.cli import main
from gruta.tests.command import Done, Gruta, launched, short, table


@pytest.fixture
def run_gruta(monkeypatch, capfd) -> Gruta:
    """The entry point inside this process, which has imported what a new one spends seconds on."""
    monkeypatch.setenv("GRUTA_LANG", "en")
    monkeypatch.setenv("COLUMNS", "120")

    def run(*arguments) -> Done:
        monkeypatch.setattr(sys, "argv", ["gruta", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capfd.readouterr()
        return Done(end.value.code or 0, out, err)

    return run


@pytest.fixture
def csv(tmp_path) -> Path:
    path = tmp_path / "demand.csv"
    path.write_text(table())
    return path


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> tuple[Done, Path, Path]:
    """What a process of its own prints for `train`, its run, and its file."""
    place = tmp_path_factory.mktemp("trained")
    path, run = place / "demand.csv", place / "run"
    path.write_text(table())
    done = launched("train", "forecast", path, "--run", run, *short(), "--json", "--profile")
    return done, run, path


@pytest.fixture
def study(monkeypatch, capfd, tmp_path):
    """The numbers of a quick study, and its page in a language."""

    def run(name, language="en"):
        where = ["--out", str(tmp_path / language), "--quick", "--json"]
        monkeypatch.setattr(sys, "argv", ["gruta", "--lang", language, "study", name, *where])
        monkeypatch.setenv("GRUTA_LANG", language)
        with pytest.raises(SystemExit) as end:
            main()
        assert not end.value.code
        told = json.loads(capfd.readouterr().out)
        page = tmp_path / language / "report.html"
        assert told["report"] == str(page)
        return told, page.read_text(encoding="utf-8")

    return run
