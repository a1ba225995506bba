"""Processes that train together come to the numbers of one, and end together."""

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from gruta.cli.train import Job, _gone_on_with
from gruta.runs import METRICS, MODEL, Run, read_metrics
from gruta.settings import StreamSettings
from gruta.tasks import registry
from gruta.tests.adding import Adding, left_by, run_at
from gruta.tests.ranks import adding, ended, start
from gruta.train import cut, pulse, train
from gruta.train.ranks import _own_host, current

SHORT = {
    "steps": 12,
    "batch_size": 10,
    "learning_rate": 0.01,
    "log_every": 1,
    "validate_every": 4,
    "checkpoint_every": 3,
    "micro_batches": 4,
}


def alone(path, **given):
    settings = StreamSettings(**SHORT | given)
    train(Adding(settings), settings, run_at(path, settings))
    return left_by(path)


@pytest.mark.parametrize("tbptt", [0, 4])
def test_two_and_four_processes_come_to_the_bits_of_one(tmp_path, tbptt):
    expected = alone(tmp_path / "1", tbptt=tbptt)
    for size in (2, 4):
        given = SHORT | {"tbptt": tbptt}
        told = ended(start(size, adding, tmp_path / str(size), given))
        assert MODEL in told[0]["found"]
        assert all(one["found"] == [] for one in told[1:])  # the first alone writes
        assert left_by(tmp_path / str(size)) == expected


def quiet(rank, path, given):
    """Without dropout, which each share draws for itself."""
    torch.nn.Dropout.forward = lambda self, x: x
    adding(rank, path, given)


def test_without_micro_batches_the_losses_differ_by_less_than_a_millionth(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.nn.Dropout, "forward", lambda self, x: x)
    alone(tmp_path / "1", micro_batches=0)
    for size in (2, 3):
        ended(start(size, quiet, tmp_path / str(size), SHORT | {"micro_batches": 0}))
        ours, theirs = (read_metrics(tmp_path / n / METRICS) for n in ("1", str(size)))
        for name in ("loss", "validation_loss"):
            expected = [line[name] for line in ours if name in line]
            assert [line[name] for line in theirs if name in line] == pytest.approx(
                expected, rel=1e-6
            )


def killed(rank, step):
    if (rank, step) == (1, 8):
        os.kill(os.getpid(), signal.SIGKILL)


def frozen(rank, step):
    if (rank, step) == (1, 8):
        os.kill(os.getpid(), signal.SIGSTOP)


@pytest.mark.parametrize(("act", "behind"), [(killed, 4), (frozen, 1)])
def test_the_others_end_when_one_is_lost_and_any_number_goes_on(tmp_path, act, behind):
    expected = alone(tmp_path / "whole")
    processes = start(2, adding, tmp_path / "run", SHORT, act, missed=1.0)
    first, second = processes
    if act is frozen:
        first.join(20)
        assert not first.is_alive()
        second.kill()
    told = ended(processes)
    assert told[0]["error"] == "RankLost"
    assert told[0]["message"].startswith("process 0 of 2 stopped, as ")
    assert told[1] is None
    if behind > 1:
        ended(start(behind, adding, tmp_path / "run", SHORT))
    else:
        alone(tmp_path / "run")
    assert left_by(tmp_path / "run") == expected


def busy(rank, stamp):
    """One keeps the interpreter to itself, one sleeps, and one is killed."""
    if rank == 0:
        ctypes.PyDLL(None).sleep(50)
    elif rank == 1:
        time.sleep(50)
    time.sleep(1)
    stamp.write_text(str(time.monotonic()))
    os.kill(os.getpid(), signal.SIGKILL)


def test_the_others_end_whatever_they_do_meanwhile_and_say_one_sentence_each(tmp_path):
    file, stamp = tmp_path / "told", tmp_path / "stamp"
    processes = start(3, busy, stamp, words="gruta: {message}", told=str(file))
    for process in processes:
        process.join(40)
    assert time.monotonic() - float(stamp.read_text()) < 10
    assert [process.exitcode for process in processes] == [-signal.SIGKILL, 1, -signal.SIGKILL]
    message = "gruta: process {} of 3 stopped, as nothing is heard of process 2 any more"
    assert sorted(file.read_text().splitlines()) == [message.format(rank) for rank in (0, 1)]


def test_a_pulse_ends_in_silence_with_another_and_nobody_sees_its_secret():
    command = [sys.executable, "-I", "-S", pulse.__file__]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    process = subprocess.Popen(command, **pipes)
    about = {"rank": 0, "size": 2, "secret": "x5ec", "at": ["127.0.0.1", 0], "missed": 6.0}
    process.stdin.write(f"{json.dumps(about)}\n".encode())
    process.stdin.flush()
    port = int(process.stdout.readline().split()[1])
    assert b"x5ec" not in Path(f"/proc/{process.pid}/cmdline").read_bytes()
    with socket.create_connection(("127.0.0.1", port), 10) as other:
        other.sendall(b"x5ec 1\n")
        assert other.recv(64).startswith(b"beat 0\n")
        process.send_signal(signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)
        process.stdin.write(b"left\n")
        process.stdin.flush()
        other.sendall(b"left 1\n")
        other.shutdown(socket.SHUT_WR)
        process.send_signal(signal.SIGCONT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, b"", b"")


def test_a_pulse_that_has_left_takes_no_line_that_was_ready_too(monkeypatch):
    one = pulse.Pulse({"rank": 0, "size": 2, "secret": "", "missed": 6.0}, None)
    near, far = socket.socketpair()
    line = pulse.Line(near)
    one._lines.append(line)
    far.close()
    ready = [[0, line], [line]]  # its input first; the system chooses
    monkeypatch.setattr(one, "_ready", lambda wait: ready.pop(0))
    monkeypatch.setattr(os, "read", lambda *how: b"left\n")
    one.run()
    assert not ready
    assert near.fileno() == -1


def test_the_first_is_found_where_its_interface_is_and_by_no_loopback(monkeypatch):
    for name, value in {"MASTER_ADDR": "192.0.2.7", "GLOO_SOCKET_IFNAME": "lo"}.items():
        monkeypatch.setenv(name, value)
    assert _own_host(2) == ("127.0.0.1", "")
    monkeypatch.delenv("GLOO_SOCKET_IFNAME")
    monkeypatch.setattr("gruta.train.ranks.own_address", lambda name: "127.0.0.1")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert _own_host(2) == ("127.0.0.1", "")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "1")
    assert "MASTER_ADDR, 192.0.2.7, is 127.0.0.1 on this machine" in _own_host(2)[1]
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")  # then the other is on this machine too
    assert _own_host(2) == ("127.0.0.1", "")


def test_where_the_first_is_not_to_be_found_it_says_so_and_all_end():
    how = {"LOCAL_WORLD_SIZE": "1", "MASTER_ADDR": "LOCALHOST"}  # a name of the loopback
    first, second = ended(start(2, other_data, **how), 30)
    assert first["error"] == "InputError"
    assert "set GLOO_SOCKET_IFNAME to the interface" in first["message"]
    assert second["silent"]


def goes_on(rank, path):
    job = Job(registry.task("forecast"), path, path, resume=False, profile=False, as_json=True)
    found = _gone_on_with(job, current()).resume
    if rank == 0 and not (path / "run.json").exists():
        path.mkdir()
        (path / "run.json").touch()
    return found


def test_who_is_started_anew_goes_on_with_no_run_that_was_there_before(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    (old / "run.json").touch()
    for path, expected in ((old, False), (new, True)):
        restarts = {"TORCHELASTIC_MAX_RESTARTS": "3", "TORCHELASTIC_RESTART_COUNT": "0"}
        before = start(2, goes_on, path, **restarts)
        store = before[0].store
        assert [one["found"] for one in ended(before)] == [False, False]
        restarts["TORCHELASTIC_RESTART_COUNT"] = "1"
        after = start(2, goes_on, path, store=store, **restarts)
        assert [one["found"] for one in ended(after)] == [expected, expected]


def asked_to_stop(rank, step):
    if (rank, step) == (1, 5):
        os.kill(os.getpid(), signal.SIGTERM)


def test_where_one_is_asked_to_stop_all_stop_after_that_step(tmp_path):
    told = ended(start(2, adding, tmp_path / "run", SHORT, asked_to_stop))
    assert {one["message"] for one in told} == {"stopped after step 6 of 12"}
    ended(start(2, adding, tmp_path / "run", SHORT))
    assert left_by(tmp_path / "run") == alone(tmp_path / "whole")


def occupied(rank, path):
    """The first finds a run there; the others know nothing of it."""
    if rank == 0:
        Run.create(path, "adding", {}, "")
    return adding(rank, path, SHORT)


def test_a_problem_of_the_first_or_of_all_is_told_once(tmp_path):
    Run.create(tmp_path / "run", "adding", {}, "")
    told = ended(start(2, occupied, tmp_path / "run"))
    assert "exists already" in told[0]["message"]
    assert told[1]["silent"]


def other_data(rank):
    current().require_alike(b"these" if rank < 1 else b"other rows")


def uneven(rank, path):
    adding(rank, path, SHORT | {"micro_batches": 3})


def test_what_does_not_fit_several_processes_is_refused(tmp_path):
    told = ended(start(2, other_data))
    assert "process 1 of 2 reads other data" in told[0]["message"]
    told = ended(start(2, uneven, tmp_path / "run"))
    assert told[0]["message"] == (
        "micro_batches: expected a multiple of the 2 processes that train, got 3"
    )


def test_a_batch_of_fewer_rows_than_shares_leaves_some_empty():
    batch = {"x": torch.arange(6.0).reshape(3, 2), "fresh": torch.tensor(True)}
    found = cut(batch, {"x": 1}, 3, lambda some: float(some["x"].numel()))
    assert [share.batch["x"].shape[1] for share in found] == [0, 1, 1]
    assert [share.weight for share in found] == [0.0, 0.5, 0.5]
    assert all(share.batch["fresh"] for share in found)
