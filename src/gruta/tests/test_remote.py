"""Runs in an object store: S3 as moto's server speaks it, on this machine."""

import json
import os
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import s3fs
from moto.server import ThreadedMotoServer

from gruta.errors import Exists, InputError, InUse
from gruta.runs import CHECKPOINT, METRICS, MODEL, Run, remote
from gruta.runs.lock import LOCK
from gruta.runs.remote import Remote, working_copy
from gruta.settings import StreamSettings
from gruta.tasks.forecast import Forecaster
from gruta.tasks.mirrored import Mirrored
from gruta.tests.adding import SHORT, Adding, PowerCut, before_step, left_by, power_cut, run_at
from gruta.tests.command import short
from gruta.train import Progress, train
from gruta.train.ranks import Ranks

URL = "s3://runs/adding"


@pytest.fixture(scope="module")
def server():
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def store(server, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3fs.S3FileSystem.clear_instance_cache()
    monkeypatch.setattr(remote, "SETTLED", 0.1)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
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
    with working_copy(URL, resume=resume) as copy:
        run = run_at(copy.folder, task.settings)
        train(task, task.settings, run, Mirrored(Progress(), copy))


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
    with (
        working_copy(URL, resume=False),
        pytest.raises(InUse, match=f"{os.getpid()} is training there"),
    ):
        working_copy(URL, resume=False).__enter__()
    assert LOCK not in names(store)
    lost = {"holder": "another:1:00", "at": 0.0}  # long ago
    store.pipe_file(f"runs/adding/{LOCK}", json.dumps(lost).encode())
    with working_copy(URL, resume=False) as copy:
        assert LOCK in names(store)
        (copy.folder).mkdir(exist_ok=True)
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
        with monkeypatch.context() as cut, working_copy(URL, resume=False) as copy:
            cut.setattr(store, "put_file", unreachable)
            run = run_at(copy.folder, settings)
            train(Adding(settings), settings, run, Mirrored(Notes(), copy))

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
    assert "--overwrite" not in again.err  # which is not for a store
    forecaster = Forecaster.load(url)
    assert len(forecaster.predict(csv)) == 2
    nothing = run_gruta("train", "forecast", csv, "--run", f"{url}-2", *short(), "--resume")
    assert nothing.code == 2
    assert f"{url}-2: expected the directory of a run" in nothing.err


def test_a_bucket_that_holds_something_else_keeps_it(store):
    for name in ("data/a.csv", "forecast/run.json", "adding/"):  # the last marks a folder
        store.call_s3("put_object", Bucket="runs", Key=name, Body=b"")
    with pytest.raises(Exists), working_copy("s3://runs", resume=False):
        pass
    with working_copy(URL, resume=False) as copy:
        run_at(copy.folder, StreamSettings(**SHORT))
    assert {"run.json", "settings.toml"} <= set(names(store))
    Remote(URL, copy.folder).pull()
    assert {"data/a.csv", "forecast/run.json"} <= set(names(store, "runs"))


@pytest.mark.parametrize("rank", [0, 1])
def test_of_processes_that_train_together_the_first_has_the_run(rank, store, monkeypatch):
    def fit(task, data, settings, place, **how):
        assert (LOCK in names(store)) == (rank == 0)
        assert isinstance(how["progress"], Mirrored) == (rank == 0)
        assert not place.exists()
        return SimpleNamespace(trained=None, stopwatch=None, metrics=[])

    monkeypatch.setattr("gruta.tasks.fitting.fit", fit)
    monkeypatch.setattr("gruta.train.ranks._current", Ranks(rank, 2))
    Forecaster().fit(None, run=URL)
    assert names(store) == []
