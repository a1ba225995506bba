"""Commands that end early: a full disk, a signal, a network that diverges."""

import errno
import os
import shlex
import signal
import subprocess
import time
from pathlib import Path

import pytest

from gruta.runs import CHECKPOINT, METRICS, MODEL, read_metrics
from gruta.tests.command import (
    launch,
    launched,
    rejects,
    short,
)
from gruta.train import Diverged, Interrupted


@pytest.fixture
def full_disk(tmp_path):
    """A disk of 64 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no right to mount a small tmpfs")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_full_disk_ends_training_with_one_message_and_no_half_file(run_gruta, csv, full_disk):
    run = full_disk / "run"
    done = run_gruta("train", "forecast", csv, "--run", run, *short("--hidden", 64))
    rejects(done, os.strerror(errno.ENOSPC), str(run))
    assert len([line for line in done.err.splitlines() if line.startswith("gruta:")]) == 1
    left = {file.name for file in run.iterdir()}
    assert left <= {"run.json", "settings.toml", METRICS}
    read_metrics(run / METRICS)


LONG = short("--steps", 200, "--checkpoint-every", 5, "--validate-every", 100)


def weights(run: Path) -> bytes:
    return (run / MODEL).read_bytes()


@pytest.fixture(scope="module")
def uninterrupted(trained) -> bytes:
    _, run, path = trained
    whole = run.with_name("whole")
    done = launched("train", "forecast", path, "--run", whole, "--test-share", "0", *LONG)
    assert done.code == 0
    return weights(whole)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_stopped_training_goes_on_to_the_same_weights(
    trained, uninterrupted, tmp_path, run_gruta, number
):
    path, run = trained[2], tmp_path / "my run"
    process = launch("train", "forecast", path, "--run", run, "--test-share", "0", *LONG)
    until = time.monotonic() + 60
    while not (run / CHECKPOINT).exists() and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert not (run / MODEL).exists()
    again = ["train", "forecast", str(path), "--run", str(run), "--resume"]
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert err.splitlines()[-1].startswith("gruta: stopped after step ")
        assert err.splitlines()[-1].endswith(shlex.join(["gruta", *again]))
        assert "Traceback" not in err
    assert run_gruta(*again).code == 0
    assert weights(run) == uninterrupted


@pytest.mark.parametrize(("stop", "code"), [(Interrupted, 130), (Diverged, 2)])
def test_demo_that_ends_early_says_how_to_go_on(run_gruta, monkeypatch, tmp_path, stop, code):
    def ending(*_):
        raise stop("stopped after step 3 of 9")

    monkeypatch.setattr("gruta.demo.run.run_job", ending)
    done = run_gruta("demo", "--out", tmp_path)
    assert done.code == code
    assert done.err.startswith("gruta: stopped after step 3 of 9")
    assert (f"gruta demo --out {tmp_path}" in done.err) == (stop is Interrupted)
