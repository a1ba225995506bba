"""The command as a person starts it: one process, its signals, and what it cannot do."""

import json
import re
import signal
import socket

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

import gruta
from gruta.serve.tests.conftest import SERIES, TEXT, changed
from gruta.tests.command import launch
from gruta.tests.conftest import run_gruta  # noqa: F401


def test_a_process_answers_reloads_and_ends_without_dropping_a_stream(tmp_path):
    (tmp_path / "plant.gruta").write_bytes(SERIES.read_bytes())
    model = f"plant={tmp_path / 'plant.gruta'}"
    process = launch("serve", model, TEXT, "--port", 0, "--log", "json", "--no-reload")
    address = process.stdout.readline().strip()
    port = re.fullmatch(r"http://127\.0\.0\.1:(\d+)", address)[1]

    def logged(event):
        """The next line that tells of it."""
        for line in process.stderr:
            if (found := json.loads(line))["event"] == event:
                return found
        return pytest.fail(f"no {event}")

    try:
        assert logged("ready")["models"] == ["plant", "generate"]
        with connect(f"ws://127.0.0.1:{port}/v1/plant/stream") as client:
            client.send(json.dumps({"step": {"rows": [[1.0, 2.0]]}}))
            assert json.loads(client.recv(20))["result"]["steps"] == 1
            changed(SERIES, tmp_path / "plant.gruta")
            process.send_signal(signal.SIGHUP)
            assert logged("reloaded")["streams"] == 1
            about = httpx2.get(f"{address}/v1/plant").json()
            assert about["checksum"] == gruta.load(tmp_path / "plant.gruta").checksum
            process.send_signal(signal.SIGTERM)
            ending = json.loads(client.recv(20))["ending"]
            assert (ending["reason"], bool(ending["snapshot"])) == ("stopping", True)
            with pytest.raises(ConnectionClosed):
                client.recv(20)
        assert logged("stopped")["level"] == "info"
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()


def test_what_cannot_be_served_is_told_in_one_sentence(run_gruta, tmp_path, monkeypatch):  # noqa: F811
    (tmp_path / "none.gruta").write_text("{}")
    (tmp_path / "short").write_text("secret")
    (tmp_path / "a b.gruta").write_bytes(SERIES.read_bytes())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for arguments, message in [
            (["nowhere.gruta"], "nowhere.gruta: expected a model file, found none"),
            ([tmp_path], "expected a model file, found a directory"),
            ([tmp_path / "none.gruta"], "not a whole file of gruta"),
            ([SERIES, f"classify-series={TEXT}"], "are both called classify-series"),
            ([tmp_path / "a b.gruta"], "'a b' is no name that an address can have"),
            ([SERIES, "--port", port], f"cannot listen at 127.0.0.1, port {port}"),
            ([SERIES, "--host", "10.255.255.1"], "cannot listen at 10.255.255.1, port 8000"),
            ([SERIES, "--key-file", tmp_path / "short"], "--key-file: "),
            ([SERIES, "--token-file", tmp_path / "lacks"], "--token-file: "),
            ([SERIES, "--budget-ms", "-1"], "--budget-ms: expected a number of at least 0"),
        ]:
            done = run_gruta("serve", *arguments)
            assert done.code == 2
            assert message in done.err
            assert done.err.count("\n") == 1
    monkeypatch.setattr("resource.getrlimit", lambda kind: (1024, 4096))
    done = run_gruta("serve", SERIES)
    assert (done.code, done.out) == (2, "")
    assert "--streams: this system lets a process have 4,096 files open; expected at" in done.err
