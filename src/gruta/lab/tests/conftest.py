from contextlib import contextmanager

import pytest
from starlette.testclient import TestClient

from gruta.lab.api import application
from gruta.lab.lab import Lab
from gruta.settings import resolve
from gruta.tasks import registry
from gruta.tasks.fitting import fit
from gruta.tasks.generate.conftest import rhyme

TOKEN, HOST = "secret-of-this-page", "127.0.0.1"
SMALL = {"hidden": 6, "embedding": 5, "steps": 20, "batch_size": 8, "tbptt": 16}


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """The page's own models of this machine are not those of a test."""
    monkeypatch.setenv("GRUTA_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A folder of runs, with one that writes characters."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "rhyme.txt").write_text(rhyme())
    task = registry.task("generate")
    settings = resolve(task.settings, SMALL)
    fit(task, [folder / "rhyme.txt"], settings, folder / "runs" / "rhyme-gru")
    return folder / "runs"


@pytest.fixture
def assets(tmp_path):
    """A page, as small as can be."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "index.html").write_text("<html><head></head><body>lab</body></html>")
    return tmp_path / "assets"


@pytest.fixture
def lab(trained):
    found = Lab.of([trained], trained)
    yield found
    found.end()


@pytest.fixture
def app(lab, assets):
    return application(lab, TOKEN, HOST, assets)


@pytest.fixture
def page(app):
    """A browser at the page's address, with its token."""
    with browser(app) as client:
        yield client


@contextmanager
def browser(app):
    with TestClient(app, base_url=f"http://{HOST}:8000", raise_server_exceptions=False) as client:
        client.params = {"token": TOKEN}
        yield client


def connected(page, token=TOKEN, **headers):
    """The page's socket."""
    own = {"host": f"{HOST}:8000", "origin": f"http://{HOST}:8000"} | headers
    page.params = {}
    return page.websocket_connect(f"/ws?token={token}", headers=own)
