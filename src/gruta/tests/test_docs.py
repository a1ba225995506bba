"""The commands of docs/serving.md do what the page says; those of many series have tests beside."""

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gruta.tests.command import launch
from gruta.tests.docs import DOCS, anchors, blocks, links, shape, to_run

HERE = Path(__file__).parent
TAGGER = HERE / "model_files" / "1" / "classify-series.gruta"
LEFT = HERE / "data" / "v0.1.0"
"""A run, and the series that it was trained on."""


ENDS = ".md", ".pt-BR.md"
PAGES = sorted({page.name.removesuffix(".md").removesuffix(".pt-BR") for page in DOCS.glob("*.md")})


@pytest.mark.parametrize("page", [*PAGES, "../README"])
def test_both_languages_have_the_same_commands(page):
    here, there = blocks(f"{page}.md"), blocks(f"{page}.pt-BR.md")
    assert [shape(k, text) for k, text, _ in here] == [shape(k, text) for k, text, _ in there]
    assert [bool(note) for *_, note in here] == [bool(note) for *_, note in there]


@pytest.mark.parametrize("name", [f"{page}{end}" for page in [*PAGES, "../README"] for end in ENDS])
def test_links_lead_somewhere(name):
    page = DOCS / name
    for address, _, anchor in (link.partition("#") for link in links(page)):
        target = page.parent / address if address else page
        assert target.exists(), address
        assert not anchor or anchor in anchors(target), f"{address}#{anchor}"


@pytest.fixture
def servers():
    """Processes that are stopped in the end."""
    found = []
    yield found
    for process in found:
        process.terminate()
    for process in found:
        process.communicate(timeout=30)
        assert process.returncode == 0


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_commands_for_serving(tmp_path, monkeypatch, servers):
    monkeypatch.chdir(tmp_path)
    shutil.copy(LEFT / "series.csv", "demand.csv")
    shutil.copytree(LEFT / "finished", "runs/demand-gru")
    shutil.copy(TAGGER, "tagger.gruta")
    bin_ = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    monkeypatch.setenv("PATH", bin_)
    ports = {port: str(free_port()) for port in ("8000", "8001", "8002", "8009")}
    for kind, text in to_run("serving.md"):
        text = re.sub("|".join(ports), lambda found: ports[found[0]], text)
        if kind == "python":
            exec(compile(text, "serving.md", "exec"), {})
        elif text.startswith("gruta serve"):
            servers.append(launch(*shlex.split(text, comments=True)[1:]))
            ready(text.partition("--port ")[2].split()[0], servers[-1])
        else:
            done = subprocess.run(text, shell=True, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
    assert (tmp_path / "question.json").exists()


def ready(port, process):
    """Wait until it answers."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert process.poll() is None
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", int(port))) == 0:
                return
        time.sleep(0.05)
    pytest.fail("no server")
