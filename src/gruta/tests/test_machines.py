"""Each command of the page about several machines does what it says; namespaces stand for machines.

`make machines` runs this: it starts some forty processes, and takes minutes.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import gruta
from gruta.runs import CHECKPOINT, MODEL
from gruta.tests.command import table
from gruta.tests.docs import blocks, texts
from gruta.tests.hosts import NEEDS, possible, two_hosts

pytestmark = pytest.mark.skipif(
    not os.environ.get("GRUTA_MACHINES"), reason="takes minutes: make machines"
)

DOCS = Path(gruta.__file__).parents[2] / "docs"
BIN = Path(sys.executable).parent
SHORT = "--horizon 2 --lookback 24 --batch-size 8 --steps 12 --log-every 1 --validate-every 4"
LONG = "--horizon 2 --lookback 24 --batch-size 8 --steps 100000 --checkpoint-every 5"
MEET = "10.0.0.1:29400"


COMMANDS = [
    line
    for kind, block, note in blocks("several-machines.md")
    if kind == "sh" and not note
    for line in block.splitlines()
    if not line.startswith("pip ")
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("machines")
    (place / "demand.csv").write_text(table())
    return place


@pytest.fixture(scope="module")
def store():
    import s3fs
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    own = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    s3fs.S3FileSystem(key="testing", secret="testing", endpoint_url=own["AWS_ENDPOINT_URL"]).mkdir(
        "bucket"
    )
    yield own
    server.stop()


def started(command, place, before=(), **environment):
    words = shlex.split(command)
    own = [sys.executable, "-m", "gruta"] if words[0] == "gruta" else [str(BIN / words[0])]
    return subprocess.Popen(
        [*before, *own, *words[1:]],
        cwd=place,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "GRUTA_LANG": "en"} | environment,
    )


def small(command):
    """The command with a training of moments, and few trials."""
    few = re.sub(r"--trials (\d+)", lambda n: f"--trials {int(n[1]) // 10}", command)
    return few if "--resume" in few else f"{few} {SHORT}"


def test_both_pages_have_the_same_commands():
    for kind in ("sh", "python"):
        assert texts("several-machines.md", kind) == texts("several-machines.pt-BR.md", kind)


@pytest.mark.parametrize("command", [c for c in COMMANDS if "--machines" not in c])
def test_commands_of_the_page(command, place, store):
    process = started(small(command), place, **store)
    out, err = process.communicate(timeout=280)
    assert process.returncode == 0, err
    assert out.count("Run: ") == 1
    run = re.search(r"Run: (.*)", out)[1]
    assert run.startswith("s3://") or (place / run / MODEL).is_file()


def test_the_script_of_the_page(place):
    (script,) = texts("several-machines.md", "python")
    folder = place / "script"
    folder.mkdir()
    (folder / "demand.csv").write_text(table())
    (folder / "script.py").write_text(script)
    process = started("torchrun --nproc-per-node 2 script.py", folder)
    out, err = process.communicate(timeout=280)
    assert process.returncode == 0, err
    assert out.count("[Scores(") == 1


def workers(process):
    """The processes that a launcher has started."""
    found = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(pid) for pid in found.split()]


def wait_for(path):
    until = time.monotonic() + 120
    while not path.is_file():
        assert time.monotonic() < until
        time.sleep(0.1)


def test_a_killed_process_ends_all_within_ten_seconds_and_fewer_go_on(place):
    command = f"gruta train forecast demand.csv --run runs/killed {LONG}"
    process = started(f"{command} --processes 2", place)
    wait_for(place / "runs" / "killed" / CHECKPOINT)
    begun = time.monotonic()
    os.kill(workers(process)[1], signal.SIGKILL)
    _out, err = process.communicate(timeout=60)
    assert time.monotonic() - begun < 10
    assert process.returncode != 0
    assert len(re.findall("^gruta: process 0 of 2 stopped, as .*; to go on: ", err, re.M)) == 1
    assert "Traceback" not in err
    checkpoint = place / "runs" / "killed" / CHECKPOINT
    left = checkpoint.stat().st_mtime_ns
    goes_on = started("gruta train forecast demand.csv --run runs/killed --resume", place)
    until = time.monotonic() + 120
    while checkpoint.stat().st_mtime_ns == left:
        assert time.monotonic() < until
        time.sleep(0.1)
    goes_on.send_signal(signal.SIGTERM)
    _out, err = goes_on.communicate(timeout=60)
    assert goes_on.returncode == 130
    assert "stopped after step" in err


@pytest.mark.skipif(not possible(), reason=NEEDS)
def test_machines_come_to_the_bits_of_one_and_end_where_one_is_unplugged(place):
    (command,) = (c for c in COMMANDS if "--machines" in c)
    parts = "--micro-batches 2"
    alone = started(f"gruta train forecast demand.csv --run runs/alone {SHORT} {parts}", place)
    _out, err = alone.communicate(timeout=200)
    assert alone.returncode == 0, err
    with two_hosts() as hosts:
        here = command.replace(MEET, f"{hosts[0].address}:29400")
        both = [started(f"{here} {SHORT} {parts}", place, host.prefix) for host in hosts]
        told = [process.communicate(timeout=200) for process in both]
        assert [process.returncode for process in both] == [0, 0], told
        assert ["Run: runs/on-two" in out for out, _err in told] == [True, False]
        found, expected = ((place / "runs" / n / MODEL).read_bytes() for n in ("on-two", "alone"))
        assert found == expected
        cut = here.replace("runs/on-two", "runs/cut")
        both = [started(f"{cut} {LONG}", place, host.prefix) for host in hosts]
        wait_for(place / "runs" / "cut" / CHECKPOINT)
        training = [pid for process in both for pid in workers(process)]
        hosts[1].unplug()
        time.sleep(10)
        assert not any(Path(f"/proc/{pid}/cmdline").exists() and alive(pid) for pid in training)
        for process in both:
            _out, err = process.communicate(timeout=100)
            assert err.count(" of 2 stopped, as nothing is heard of process ") == 1


def alive(pid):
    """Whether it is more than an entry that waits to be read."""
    return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
