"""The check that a wheel carries with it, and the wheel where there is nothing but NumPy."""

import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest

from gruta import kernels, selfcheck

ROOT = Path(__file__).parents[3]


def succeed(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    if not (ROOT / "pyproject.toml").exists():
        pytest.skip("no sources to build a wheel from")
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    succeed(*pip, "--wheel-dir", folder, ROOT)
    (found,) = folder.iterdir()
    return found


@pytest.mark.timeout(600)
def test_wheel_holds_the_kernels_and_neither_tests_nor_sources(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.startswith("gruta/kernels/_native.") and ".so" in name for name in names)
    unwanted = re.compile(r"/test_|/tests/|/checks/|conftest|\.(h|cpp)$")
    assert [name for name in names if unwanted.search(name)] == []


@pytest.mark.timeout(600)
def test_installed_wheel_passes_its_self_check_with_numpy_alone(wheel, tmp_path):
    env = ROOT / "build" / "wheel-env"  # a temporary folder may forbid to execute what lies in it
    venv.create(env, clear=True, symlinks=True)
    (site,) = env.glob("lib/*/site-packages")
    for part in Path(np.__file__).parents[1].glob("numpy*"):
        (site / part.name).symlink_to(part)
    python = env / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index"]
    succeed(*pip, "--no-deps", wheel)
    nothing = {"PATH": str(tmp_path)}
    found = succeed(python, "-W", "error", "-m", "gruta.selfcheck", cwd=tmp_path, env=nothing)
    checks = [line for line in found.splitlines() if "not on this CPU" not in line]
    assert all(": right, " in line for line in checks)
    assert {line.split()[0] for line in checks} >= {"baseline", kernels.isa()}
    assert len(checks) % (len(selfcheck.FORMS) * len(selfcheck.TOLERANCE)) == 0


def test_self_check_says_where_a_kernel_is_wrong(monkeypatch, capsys):
    monkeypatch.setenv("GRUTA_ISA", kernels.isa())
    monkeypatch.setattr(selfcheck, "FORMS", selfcheck.FORMS[:1])
    assert selfcheck.main() == 0
    assert "WRONG" not in capsys.readouterr().out
    monkeypatch.setattr(kernels, "layer_backward", lambda *call: None)
    assert selfcheck.main() == 1
    assert f"{kernels.isa()} gru float32: WRONG" in capsys.readouterr().out
