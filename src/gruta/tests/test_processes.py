"""A process is taken for ended only by who would see it alive."""

import os
import shutil
import socket
import subprocess
import sys

import pytest

from gruta import processes
from gruta.processes import called, has_ended

SAY = "from gruta.processes import called; print(called(), flush=True); input()"


def among(*before):
    """A process that waits, and what it calls itself."""
    found = subprocess.Popen(
        [*before, sys.executable, "-c", SAY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    return found, found.stdout.readline().strip()


def test_a_process_of_this_machine_has_ended_when_it_is_gone_or_its_number_is_anothers():
    process, name = among()
    assert name == called(process.pid)
    assert name.startswith(f"{socket.gethostname()}:{process.pid}:")
    assert not has_ended(name)
    assert not has_ended(called())
    process.communicate("\n")
    assert has_ended(name)
    host, _number, place, begun = name.split(":")
    assert has_ended(f"{host}:{os.getpid()}:{place}:{begun}")  # begun at another moment


def test_a_killed_process_has_ended_before_anybody_asked_how():
    process, name = among()
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert has_ended(name)
    process.communicate()


@pytest.mark.skipif(
    not shutil.which("unshare") or subprocess.call(["unshare", "--pid", "--fork", "true"]),
    reason="namespaces of processes need root and util-linux",
)
def test_a_container_of_the_same_name_is_another_machine():
    process, name = among("unshare", "--pid", "--fork", "--mount-proc")
    try:
        host, number, *_rest = name.split(":")
        assert host == socket.gethostname()
        assert int(number) < 100  # of its own count, where this machine has others or none
        assert not has_ended(name)
        assert not has_ended(name.replace(f":{number}:", ":4194303:"))
    finally:
        process.communicate("\n")


@pytest.mark.parametrize("name", ["", "host", "host:7", "host:x:-:5", "host:7:-:-", "host:7::"])
def test_where_the_system_tells_nothing_nothing_is_known_to_have_ended(monkeypatch, name):
    monkeypatch.setattr(processes, "_place", lambda: "-")
    assert not has_ended(name)
    assert not has_ended(f"{socket.gethostname()}:4194303:-:5")
