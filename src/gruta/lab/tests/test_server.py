"""The server as a person starts it, and the page without one."""

import json
import re
import signal
import subprocess
import sys
from html.parser import HTMLParser

import httpx2
import pytest
from websockets.sync.client import connect

from gruta.errors import InputError
from gruta.lab import fixtures
from gruta.lab.bundle import Bundle
from gruta.lab.opened import bundle_of
from gruta.lab.page import export

START = """
import sys
from pathlib import Path
from gruta.lab.lab import Lab
from gruta.lab.server import serve
runs, assets = map(Path, sys.argv[1:])
tell = lambda told: print(told, flush=True)
serve(Lab.of([runs], runs), "127.0.0.1", 0, tell, browse=False, assets=assets)
"""


@pytest.fixture
def server(trained, assets):
    command = [sys.executable, "-c", START, str(trained), str(assets)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process, process.stdout.readline().strip()
        process.kill()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_answers_at_the_address_that_it_tells_until_it_is_to_end(server, end):
    process, address = server
    told = re.fullmatch(r"http://(127\.0\.0\.1:\d+)/\?token=([\w-]{32})&lang=\w\w", address)
    host, token = told.groups()
    assert httpx2.get(address).text.endswith("</html>")
    found = httpx2.get(f"http://{host}/api/bundles", params={"token": token}).json()
    assert "rhyme-gru" in {one["id"] for one in found}
    with connect(f"ws://{host}/ws?token={token}", origin=f"http://{host}") as socket:
        socket.send(json.dumps({"watch": "rhyme-gru"}))
        news = json.loads(socket.recv(timeout=60))
        assert news["run"]["state"] == "finished"
        assert news["metrics"]
        process.send_signal(end)
        assert process.wait(60) == 0


class Read(HTMLParser):
    """What of a page a browser would fetch, and the text of its models."""

    def __init__(self):
        super().__init__()
        self.fetched, self.models, self._inside = [], "", False

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.fetched += [given[one] for one in ("src", "href") if one in given]
        self._inside = given.get("id") == "gruta-bundles"

    def handle_data(self, data):
        self.models += data if self._inside else ""

    def handle_endtag(self, tag):
        self._inside = False


def test_an_exported_page_holds_its_models_and_nothing_in_them_ends_it(trained, assets, tmp_path):
    first = bundle_of(trained / "rhyme-gru")
    hostile = Bundle("</script><img src=x>", "layers", fixtures.portrait("lstm", 2))
    export(tmp_path / "page.html", [first, hostile], assets)
    page = Read()
    page.feed((tmp_path / "page.html").read_text("utf-8"))
    assert page.fetched == []
    assert json.loads(page.models)["bundles"] == json.loads(
        json.dumps([first.to_json(), hostile.to_json()])
    )


def test_what_a_page_cannot_hold_is_not_exported(assets, tmp_path, monkeypatch):
    bundle = Bundle("wide", "layers", fixtures.portrait("gru-after", 1))
    monkeypatch.setattr("gruta.lab.page._LARGEST", 100)
    with pytest.raises(InputError, match="choose fewer or smaller models"):
        export(tmp_path / "page.html", [bundle], assets)
    monkeypatch.setattr("gruta.lab.bundle.WIDEST", 4)
    with pytest.raises(InputError, match="wide: 5 hidden units and 195 weights are too many"):
        export(tmp_path / "page.html", [bundle], assets)
    assert not (tmp_path / "page.html").exists()
