"""Who may ask the server, and what it lets nobody do."""

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from gruta.lab.sources import LARGEST
from gruta.lab.tests.conftest import HOST, connected

ASKED = [
    ("GET", "/api/bundles"),
    ("GET", "/api/bundles/rhyme-gru"),
    ("GET", "/api/runs"),
    ("POST", "/api/train"),
    ("POST", "/api/make"),
    ("POST", "/api/upload?name=a.csv"),
    ("POST", "/api/runs/rhyme-gru/stop"),
    ("POST", "/api/runs/rhyme-gru/resume"),
]


@pytest.mark.parametrize(("method", "path"), ASKED)
@pytest.mark.parametrize("given", [{}, {"token": "wrong"}, {"token": "ü"}])
def test_nothing_is_told_or_started_without_the_token(app, method, path, given):
    client = TestClient(app, base_url=f"http://{HOST}:8000")
    answer = client.request(method, path, params=given)
    assert answer.status_code == 403
    assert "token" in answer.json()["error"]["pt"]


def test_the_page_itself_needs_no_token_and_keeps_it_from_others(app):
    answer = TestClient(app, base_url=f"http://{HOST}:8000").get("/")
    assert answer.text.startswith("<html>")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "connect-src 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", ""])
def test_another_name_that_points_here_is_refused(page, host):
    assert page.get("/", headers={"host": host}).status_code == 403
    assert page.get("/api/runs", headers={"host": host}).status_code == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", f"http://{HOST}:9", "file://"])
def test_another_page_may_not_ask_even_with_the_token(page, origin):
    assert page.post("/api/train", headers={"origin": origin}).status_code == 403
    with pytest.raises(WebSocketDisconnect), connected(page, origin=origin):
        pass


def test_the_socket_wants_the_token(page):
    with connected(page) as socket:
        socket.send_json({"ask": 1})
        assert "JSON" in socket.receive_json()["error"]["en"]
    for token in ("", "wrong"):
        with pytest.raises(WebSocketDisconnect), connected(page, token):
            pass


@pytest.mark.parametrize(
    "name", ["../rhyme", "%2e%2e%2f%2e%2e", "..%2Frhyme.txt", "%2Fetc%2Fpasswd", "runs/rhyme-gru"]
)
def test_no_path_leads_out_of_the_chosen_folders(page, name):
    for path in (f"/api/bundles/{name}", f"/assets/{name}", f"/assets/../{name}"):
        assert page.get(path).status_code in (400, 404)


@pytest.mark.parametrize("source", ["/etc/passwd", "../rhyme.txt", "sample:../x", "0" * 16, ""])
def test_only_samples_and_what_was_handed_in_is_trained_on(page, source):
    answer = page.post("/api/train", json={"source": source, "task": "generate"})
    assert answer.status_code == 400
    assert "expected an upload or one of sample:demand" in answer.json()["error"]["en"]


@pytest.mark.parametrize("setting", ["test", "tracker", "run", "encoding", "--run"])
def test_the_page_cannot_set_what_names_files_or_sends_things_away(page, setting):
    kept = page.post("/api/upload", params={"name": "a.txt"}, content=b"abc " * 500)
    question = {"source": kept.json()["upload"], "task": "generate", setting: "x"}
    answer = page.post("/api/train", json=question)
    assert answer.json()["error"]["en"] == f"the page sets no {setting}"


def test_what_is_handed_in_is_bounded_whatever_its_header_says(page, lab):
    def endless():
        for _ in range(LARGEST // 2**16 + 2):
            yield b"1" * 2**16

    answer = page.post("/api/upload", params={"name": "a.csv"}, content=endless())
    assert answer.status_code == 413
    assert answer.json()["error"]["pt"] == "mais de 20.000.000 bytes"
    answer = page.post("/api/train", content=b'{"a": "' + b"1" * 2**17)
    assert answer.status_code == 413
    assert page.post("/api/train", content=b"[" * 60_000).status_code == 400


def test_a_table_of_very_many_columns_is_refused_before_it_is_read(page):
    answer = page.post("/api/upload", params={"name": "a.csv"}, content=b"a;" * 1000 + b"\n1;2\n")
    assert answer.status_code == 400
    assert "a.csv: more than 1,000 columns" in answer.json()["error"]["en"]


def test_a_page_too_many_is_told_so_and_another_may_come_when_one_goes(page, monkeypatch):
    monkeypatch.setattr("gruta.lab.live.MOST", 1)
    for _ in range(2):
        with connected(page) as first:
            first.send_json({})
            first.receive_json()
            with connected(page) as second:
                assert "too many pages" in second.receive_json()["error"]["en"]


@pytest.mark.parametrize("name", ["a.py", "a.so", "a", "../a.exe", "a.safetensors"])
def test_only_tables_and_texts_are_handed_in(page, name):
    answer = page.post("/api/upload", params={"name": name}, content=b"x")
    assert answer.status_code == 400
    assert "expected a file that ends in one of .csv" in answer.json()["error"]["en"]


def test_what_is_handed_in_lies_where_no_name_can_put_it(page, trained):
    name = "../../../escaped.csv"
    kept = page.post("/api/upload", params={"name": name}, content=b"a,b\n1,2\n").json()["upload"]
    assert kept in {path.name for path in (trained / ".handed-in").iterdir()}
    assert not list(trained.parent.rglob("escaped*"))
