"""A run directory keeps whole files whatever happens, and refuses what is not one."""

import errno
import fcntl
import json
import os
import pickle
import resource
import signal
import struct
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from gruta.errors import InputError
from gruta.files import write_atomically
from gruta.runs import MetricsFile, Run, read_arrays, read_metrics, write_arrays
from gruta.runs.lock import LOCK, is_training, training_alone
from gruta.runs.summary import Summary, set_apart
from gruta.weights import read_tensors, write_tensors

TENSORS = {"w": torch.arange(6.0).view(2, 3), "n": torch.tensor(3), "e": torch.zeros(0, 2)}


@pytest.fixture
def run(tmp_path):
    return Run.create(
        tmp_path / "run", "forecast", {"steps": 5, "horizon": None}, "fingerprint", threads=2
    )


@contextmanager
def full_disk():
    """No file may grow past 4 KiB: a longer write fails half-way, also one of pytest's own."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


def test_write_that_fails_half_way_leaves_the_old_file(tmp_path):
    path = tmp_path / "model.safetensors"
    write_atomically(path, b"old")
    with full_disk(), pytest.raises(OSError, match="File too large"):
        write_atomically(path, bytes(100_000))
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_failing_disk_leaves_the_old_file(tmp_path, monkeypatch, call):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "model.safetensors"
    write_atomically(path, b"old")
    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == [path.name]


def test_created_run_opens_with_what_it_was_given(run):
    opened = Run.open(run.path, "forecast")
    assert opened.settings() == {"steps": 5}
    assert opened.about["data"] == "fingerprint"
    assert opened.about["versions"]["torch"] == torch.__version__
    assert opened.about["threads"] == 2


def test_tensors_come_back_bit_for_bit(run):
    odd = {"strided": torch.randn(4, 3).T, "nan": torch.tensor([torch.nan, -0.0]), **TENSORS}
    shared = {"tied": odd["w"], "f64": torch.randn(2, dtype=torch.float64)}
    write_tensors(run, "t.safetensors", odd | shared, {"step": 3, "best": None})
    tensors, about = read_tensors(run, "t.safetensors")
    assert about == {"step": 3, "best": None}
    for name, tensor in (odd | shared).items():
        torch.testing.assert_close(tensors[name], tensor, rtol=0, atol=0, equal_nan=True)


def test_arrays_and_tensors_are_one_format(run):
    write_tensors(run, "tensors", TENSORS, [1])
    write_arrays(run, "arrays", {name: t.numpy() for name, t in TENSORS.items()}, [1])
    assert run.read("arrays") == run.read("tensors")
    arrays, about = read_arrays(run, "tensors")
    assert about == [1]
    for name, tensor in TENSORS.items():
        assert arrays[name].shape == tuple(tensor.shape)
        assert arrays[name].tobytes() == tensor.numpy().tobytes()


@contextmanager
def training_elsewhere(run):
    """The number of a process that trains in this run, and is killed in the end."""
    ready, begun = os.pipe()
    if (child := os.fork()) == 0:
        with training_alone(run):
            os.write(begun, b".")
            signal.pause()
    os.read(ready, 1)
    try:
        yield child
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(ready)
        os.close(begun)


def test_second_training_of_a_run_is_refused_until_the_first_is_gone(run):
    for _ in range(2):
        with training_elsewhere(run) as process:
            message = f"run: process {process} is training there; wait until it is done"
            with pytest.raises(InputError, match=message), training_alone(run):
                pass
        with training_alone(run):
            pass
        assert not (run.path / ".lock").exists()


def test_threads_of_one_process_do_not_train_one_run_together(run):
    with training_alone(run):
        refused = pytest.raises(InputError, match=f"process {os.getpid()} is training there")
        with refused, training_alone(run):
            pass
        assert (run.path / ".lock").exists()


def test_who_only_looks_whether_somebody_trains_keeps_nobody_from_it(run, monkeypatch):
    looking = os.open(run.path / LOCK, os.O_RDWR | os.O_CREAT)
    fcntl.flock(looking, fcntl.LOCK_EX)
    monkeypatch.setattr("gruta.runs.lock.time.sleep", lambda _seconds: os.close(looking))
    with training_alone(run):
        assert is_training(run)
    assert not is_training(run)


def test_run_that_is_open_tells_what_it_is_of(run):
    assert Run.open(run.path).task == "forecast"


def test_runs_are_set_apart_first_by_what_differs_on_their_data():
    def summary(data, **settings):
        return Summary(Path("run"), "forecast", data, settings, "finished", 1, None, 0.0, {})

    of_one = {"cell": "gru", "hidden": 48, "target": "demand", "time": "ds", "horizon": 1}
    runs = [
        summary("a", **of_one),
        summary("a", **of_one | {"horizon": 48}),
        summary("b", cell="lstm", hidden=8, target="y", time="t", horizon=1),
    ]
    first, second, alone = set_apart(runs)
    assert next(iter(first.items())) == ("horizon", 1)
    assert next(iter(second.items())) == ("horizon", 48)
    assert len(first) == 4
    assert list(alone) == ["cell", "hidden", "target", "time"]
    five = [summary("a", **of_one), summary("a", **dict.fromkeys(of_one, 7))]
    assert all(list(found) == list(of_one) for found in set_apart(five))


def test_run_is_not_created_where_something_is(run, tmp_path):
    with pytest.raises(InputError, match="exists already"):
        Run.create(run.path, "forecast", {}, "")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="exists already"):
        Run.create(tmp_path / "file", "forecast", {}, "")
    (tmp_path / "empty").mkdir()
    Run.create(tmp_path / "empty", "forecast", {}, "")


@pytest.mark.parametrize("written", [1, 2, 3, 4])
def test_creation_that_was_killed_can_be_repeated(tmp_path, monkeypatch, written):
    calls, kept = iter(range(1, 5)), {name: getattr(os, name) for name in ("fsync", "replace")}

    class Killed(BaseException):
        pass

    def kill_at(name):
        def call(*arguments):
            if next(calls) == written:
                raise Killed
            kept[name](*arguments)

        return call

    with monkeypatch.context() as patch:
        for name in kept:
            patch.setattr(os, name, kill_at(name))
        patch.setattr(Path, "unlink", lambda *_, **__: None)  # a killed process tidies nothing up
        with pytest.raises(Killed):
            Run.create(tmp_path / "run", "forecast", {"steps": 4}, "")
    assert os.listdir(tmp_path / "run")
    Run.create(tmp_path / "run", "forecast", {"steps": 5}, "")
    assert Run.open(tmp_path / "run", "forecast").settings() == {"steps": 5}


def broken(**about):
    return json.dumps({"format": 1, "task": "forecast"} | about).encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "run.json is missing"),
        (b"{", "run.json: not valid JSON"),
        (b"\xff\xfe", "run.json: not valid JSON"),
        (b"[" * 100_000, "run.json: not valid JSON"),
        (b"[]", "run.json: expected a run's description"),
        (b"{}", "run.json: expected a run's description"),
        (broken(format=2), "the run has format 2, this gruta reads 1"),
        (broken(task="generate"), "expected a forecast run, found 'generate'"),
        (broken(task=None), "expected a forecast run, found None"),
    ],
)
def test_directory_that_is_no_run_of_this_task_is_refused(run, content, message):
    path = run.path / "run.json"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(InputError, match=message) as refusal:
        Run.open(run.path, "forecast")
    assert str(run.path) in str(refusal.value)


def test_missing_directory_is_refused(tmp_path):
    (tmp_path / "file").touch()
    for name in ("nowhere", "file"):
        with pytest.raises(InputError, match=f"{name}: expected the directory of a run"):
            Run.open(tmp_path / name, "forecast")


@pytest.mark.parametrize("content", [b"", b"steps = 3", b"# steps = 1"])
def test_settings_that_were_changed_are_refused(run, content):
    assert run.settings()
    (run.path / "settings.toml").write_bytes(content)
    with pytest.raises(InputError, match=r"settings\.toml: changed since the run was started"):
        run.settings()


@pytest.mark.parametrize("content", [b"steps =", b"steps = 1\nsteps = 2", b"\xff"])
def test_broken_settings_are_refused(run, content):
    (run.path / "settings.toml").write_bytes(content)
    with pytest.raises(InputError, match=r"settings\.toml: not valid TOML"):
        run.settings()


def safetensors(header: bytes, data: bytes = b"", size: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if size is None else size) + header + data


def entry(dtype: str = "F32", shape: object = (2,), offsets: object = (0, 8)) -> bytes:
    about = {"__metadata__": {"about": "null"}}
    w = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
    return json.dumps(about | {"w": w}).encode()


class Bomb:
    def __reduce__(self):
        return os.abort, ()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x01\x02", id="shorter than its first number"),
        pytest.param(safetensors(b"{}", size=2**64 - 1), id="header longer than memory"),
        pytest.param(safetensors(b"{}", size=10**8), id="header longer than the file"),
        pytest.param(safetensors(b"garbage!"), id="header is no JSON"),
        pytest.param(safetensors(b"[" * 100_000), id="header nested too deep"),
        pytest.param(safetensors(b"{}"), id="without gruta's description"),
        pytest.param(safetensors(entry(), bytes(4)), id="data cut short"),
        pytest.param(safetensors(entry(offsets=(0, 2**40)), bytes(8)), id="data past the end"),
        pytest.param(safetensors(entry(offsets=(-8, 0)), bytes(8)), id="data before the start"),
        pytest.param(safetensors(entry(shape=(2**62, 8)), bytes(8)), id="shape overflows"),
        pytest.param(safetensors(entry(dtype="O"), bytes(8)), id="unknown dtype"),
        pytest.param(os.urandom(4096), id="noise"),
        pytest.param(pickle.dumps(Bomb()), id="pickle"),
    ],
)
@pytest.mark.parametrize("read", [read_tensors, read_arrays])
def test_hostile_weights_are_refused_and_named(run, content, read):
    (run.path / "model.safetensors").write_bytes(content)
    with pytest.raises(InputError, match=r"model\.safetensors: not a whole safetensors file"):
        read(run, "model.safetensors")


def test_every_cut_of_a_weights_file_is_refused(run):
    write_tensors(run, "m", TENSORS)
    whole = (run.path / "m").read_bytes()
    for size in range(len(whole)):
        (run.path / "m").write_bytes(whole[:size])
        for read in (read_tensors, read_arrays):
            with pytest.raises(InputError, match="m: not a whole"):
                read(run, "m")


def test_what_torch_save_writes_is_refused(run):
    torch.save(TENSORS, run.path / "checkpoint.safetensors")
    with pytest.raises(InputError, match=r"checkpoint\.safetensors: not a whole"):
        read_tensors(run, "checkpoint.safetensors")


def test_nan_in_a_description_is_a_bug_and_keeps_the_old_file(run):
    write_tensors(run, "m", TENSORS, {"loss": 1.0})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_tensors(run, "m", TENSORS, {"loss": float("nan")})
    assert read_tensors(run, "m")[1] == {"loss": 1.0}


def lines(path):
    return [record["step"] for record in read_metrics(path)]


def test_metrics_are_cut_back_to_the_checkpoint(tmp_path):
    path = tmp_path / "metrics.jsonl"
    with MetricsFile(path) as metrics:
        metrics.append({"step": 1})
        size = metrics.synced_size()
        metrics.append({"step": 2})
    assert lines(path) == [1, 2]
    with MetricsFile(path, size) as metrics:
        assert metrics.synced_size() == size
        metrics.append({"step": 3})
        assert metrics.synced_size() == path.stat().st_size
    assert lines(path) == [1, 3]


def test_metrics_shorter_than_the_checkpoint_says_are_refused(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step": 1}\n')
    with pytest.raises(InputError, match=r"metrics\.jsonl: expected at least 50 bytes, found 12"):
        MetricsFile(path, 50)
    assert path.stat().st_size == 12


def test_line_that_a_kill_cut_short_is_left_out(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step": 1}\n{"step": 2}\n{"ste')
    assert lines(path) == [1, 2]
    assert read_metrics(tmp_path / "missing") == []


def test_a_folder_of_runs_names_them(tmp_path):
    for name in ("a", "b"):
        Run.create(tmp_path / name, "forecast", {}, "")
    with pytest.raises(InputError, match="holds several runs, and is none; name one of a, b there"):
        Run.open(tmp_path)
