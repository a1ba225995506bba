"""`gruta lab` as a command: what it writes, makes, and says where it cannot."""

import json

import pytest

from gruta.lab import made, page
from gruta.lab.made import MADE
from gruta.lab.shelf import Shelf


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A folder without runs, and a cache that is empty."""
    monkeypatch.setenv("GRUTA_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def built(tmp_path, monkeypatch):
    """A page that is built, as small as can be."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "index.html").write_text("<html><body></body></html>")
    monkeypatch.setattr(page, "ASSETS", tmp_path / "assets")


@pytest.mark.parametrize("language", ["en", "pt"])
def test_a_page_that_is_not_built_is_told_in_one_sentence(
    run_gruta, tmp_path, monkeypatch, language
):
    monkeypatch.setattr(page, "ASSETS", tmp_path / "none")
    done = run_gruta("--lang", language, "lab", "--export", tmp_path / "page.html")
    assert done.code == 2
    assert "make lab" in done.err
    assert done.err.count("\n") == 1


def test_a_run_is_exported_by_its_name(run_gruta, trained, built, tmp_path):
    _done, run, _file = trained
    done = run_gruta("lab", run, "--export", tmp_path / "page.html")
    assert done.code == 0, done.err
    content = (tmp_path / "page.html").read_text()
    found = json.loads(content.partition('id="gruta-bundles">')[2].partition("</script>")[0])
    (bundle,) = found["bundles"]
    assert bundle["task"] == "forecast"
    assert bundle["samples"][0]["x"]["shape"][0] == 24
    assert bundle["columns"][0] == {"en": "y", "pt": "y"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere: expected the directory of a run"),
        (["nowhere.safetensors"], "nowhere.safetensors: expected a file"),
        (["--make", "--export", "page.html"], "--export and --make"),
        (["--export", "nowhere/page.html"], "expected a file in a folder that is there"),
        (["--export", "assets"], "expected a file in a folder that is there"),
        (["assets", "--export", "page.html"], "no run that is finished"),
        (["--host", "10.255.255.1", "--no-open", "assets"], "cannot listen at 10.255.255.1"),
    ],
)
def test_what_cannot_be_opened_is_told(run_gruta, built, arguments, message, monkeypatch, tmp_path):
    monkeypatch.setattr("gruta.cli.lab._make", lambda *names: None)
    done = run_gruta("lab", *arguments)
    assert done.code == 2
    assert message in done.err
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("start", ["--start", "--no-start"])
def test_the_page_is_served_before_any_model_is_made(run_gruta, built, monkeypatch, start):
    served = []
    monkeypatch.setattr("gruta.lab.server.serve", lambda lab, *_, **__: served.append(lab))
    monkeypatch.setattr(made.Made, "ensure", lambda *_: pytest.fail("a model is made"))
    done = run_gruta("lab", "--no-open", start)
    assert done.code == 0
    assert not any(one["ready"] for one in served[0].models())
    assert ("gruta lab --make" in done.err) == (start == "--no-start")


def test_its_own_models_are_made_once_and_open(run_gruta, monkeypatch):
    monkeypatch.setattr(made, "_STEPS_OF_FACTS", 20)
    monkeypatch.setattr(made, "_TEXT", {"hidden": 8, "embedding": 8, "steps": 4})
    monkeypatch.setattr(made, "_DEMAND", {"hidden": 4, "steps": 4})
    done = run_gruta("lab", "--make")
    assert done.code == 0, done.err
    assert done.out.count("Making, once: ") == len(MADE)
    assert run_gruta("lab", "--make").out == ""
    shelf = Shelf([])
    bundles = {one["id"]: shelf.bundle(one["id"]) for one in shelf.listed()}
    assert set(bundles) == {
        "portuguese",
        "english",
        "facts-rnn",
        "facts-lstm",
        "facts-gru",
        "demand",
    }
    assert {b.group for name, b in bundles.items() if name.startswith("facts")} == {"facts"}
    assert all(bundle.portrait.samples for bundle in bundles.values())
    facts = [bundles[f"facts-{cell}"].portrait for cell in ("rnn", "lstm", "gru")]
    assert len({one.samples[0].x.tobytes() for one in facts}) == 1
