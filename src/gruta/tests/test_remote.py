"""Runs in an object store: S3 as moto's server speaks it, on this machine."""

import json
import os
from pathlib import Path

import pytest
import s3fs
from moto.server import ThreadedMotoServer

from gruta.errors import InputError, InUse
from gruta.runs import CHECKPOINT, METRICS, MODEL, Run
from gruta.runs.lock import LOCK
from gruta.runs.remote import Remote, staged
from gruta.settings import StreamSettings
from gruta.tasks.forecast import Forecaster
from gruta.tasks.mirrored import Mirrored
from gruta.tests.adding import Adding, run_at
from gruta.tests.command import short
from gruta.tests.test_train import SHORT, PowerCut, before_step, left_by, power_cut
from gruta.train import Progress, train

URL = "s3://runs/adding"


@pytest.fixture(scope="module")
def server():
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def store(server, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3fs.S3FileSystem.clear_instance_cache()
    files = s3fs.S3FileSystem()
    files.mkdir("runs")
    yield files
    files.invalidate_cache()
    for path in files.find("runs"):
        files.rm_file(path)
    files.rmdir("runs")


def names(store, root="runs/adding"):
    store.invalidate_cache()
    return [path.removeprefix(f"{root}/") for path in store.find(root)]


def trained(task, *, resume):
    with staged(URL, resume=resume) as remote:
        run = run_at(remote.folder, task.settings)
        train(task, task.settings, run, Mirrored(Progress(), remote))


def test_a_run_that_was_cut_off_goes_on_from_the_store_to_the_same_bits(store, tmp_path):
    settings = StreamSettings(**SHORT)
    with pytest.raises(PowerCut):
        trained(before_step(Adding(settings), 8, power_cut), resume=False)
    assert CHECKPOINT in names(store)
    assert MODEL not in names(store)
    trained(Adding(settings), resume=True)
    train(Adding(settings), settings, run_at(tmp_path / "whole", settings))
    brought = Remote(URL, tmp_path / "brought")
    brought.pull()
    assert left_by(tmp_path / "brought") == left_by(tmp_path / "whole")
    assert not [name for name in names(store) if name.startswith(("best-", "."))]


def test_at_every_moment_the_store_holds_a_run_to_go_on_with(store, tmp_path, monkeypatch):
    settings = StreamSettings(**SHORT)
    train(Adding(settings), settings, run_at(tmp_path / "whole", settings))
    expected = left_by(tmp_path / "whole")
    put = store.put_file
    for cut in range(2, 12, 3):
        count = iter(range(cut))

        def fails(*given, count=count, **how):
            if next(count, None) is None:
                raise KeyboardInterrupt
            return put(*given, **how)

        with monkeypatch.context() as patched:
            patched.setattr(store, "put_file", fails)
            with pytest.raises(KeyboardInterrupt):
                trained(Adding(settings), resume=False)
        begun = "run.json" in names(store)
        trained(Adding(settings), resume=begun)
        brought = Remote(URL, tmp_path / f"brought-{cut}")
        brought.pull()
        assert left_by(tmp_path / f"brought-{cut}") == expected
        store.rm("runs/adding", recursive=True)


def test_two_do_not_train_in_one_run_and_a_lost_one_leaves_it(store):
    with staged(URL, resume=False), pytest.raises(InUse, match=f"{os.getpid()} is training there"):
        staged(URL, resume=False).__enter__()
    assert LOCK not in names(store)
    lost = {"holder": "another:1:00", "at": 0.0}  # long ago
    store.pipe_file(f"runs/adding/{LOCK}", json.dumps(lost).encode())
    with staged(URL, resume=False) as remote:
        assert LOCK in names(store)
        (remote.folder).mkdir(exist_ok=True)
    assert LOCK not in names(store)


def test_a_store_that_is_out_of_reach_keeps_the_training_here(store, monkeypatch, tmp_path):
    settings = StreamSettings(**SHORT)

    def unreachable(*given, **how):
        raise OSError("no route to host")

    notes = []

    class Notes(Progress):
        def note(self, message):
            notes.append(message)

    def cut_off():
        with staged(URL, resume=False) as remote, monkeypatch.context() as cut:
            cut.setattr(store, "put_file", unreachable)
            run = run_at(remote.folder, settings)
            train(Adding(settings), settings, run, Mirrored(Notes(), remote))
            remote.push()

    with pytest.raises(InputError, match="no route to host") as error:
        cut_off()
    kept = Path(str(error.value).rpartition("lies in ")[2])
    assert Run(kept).has(MODEL)
    assert "copied with the next one" in notes[0]


def test_the_command_line_and_python_take_urls(store, run_gruta, csv):
    url = "s3://runs/forecast"
    told = run_gruta("train", "forecast", csv, "--run", url, *short(), "--json")
    assert told.code == 0, told.err
    assert json.loads(told.out)["run"] == url
    assert {"run.json", METRICS, MODEL, "codec.json", "scores.json", "report.html"} <= set(
        names(store, "runs/forecast")
    )
    again = run_gruta("train", "forecast", csv, "--run", url, *short())
    assert again.code == 2
    assert f"{url}: exists already" in again.err
    forecaster = Forecaster.load(url)
    assert len(forecaster.predict(csv)) == 2
