"""The check that a wheel carries with it, and the wheel where there is nothing but NumPy."""

import inspect
import json
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors

from gruta import kernels, selfcheck
from gruta.tasks.test_models import asked

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
    unwanted = re.compile(
        r"/test_\w+\.py|/tests/|/checks/|/data/\S+\.(npz|tflite)|conftest|\.(h|cpp)$"
    )
    assert [name for name in names if unwanted.search(name)] == []


def beside(site, package):
    """Put a package of this environment into another one."""
    for part in Path(package.__file__).parents[1].glob(f"{package.__name__}*"):
        (site / part.name).symlink_to(part)


@pytest.fixture(scope="module")
def installed(wheel):
    """The packages and the Python of an environment with the wheel and NumPy alone."""
    env = ROOT / "build" / "wheel-env"  # a temporary folder may forbid to execute what lies in it
    venv.create(env, clear=True, symlinks=True)
    (site,) = env.glob("lib/*/site-packages")
    beside(site, np)
    python = env / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index"]
    succeed(*pip, "--no-deps", wheel)
    return site, python


@pytest.mark.timeout(600)
def test_installed_wheel_passes_its_self_check_with_numpy_alone(installed, tmp_path):
    nothing = {"PATH": str(tmp_path)}
    command = [installed[1], "-W", "error", "-m", "gruta.selfcheck"]
    found = succeed(*command, cwd=tmp_path, env=nothing)
    checks = [line for line in found.splitlines() if "not on this CPU" not in line]
    assert all(": right" in line for line in checks)
    assert {line.split()[0] for line in checks} >= {"baseline", kernels.isa()}
    each = len(selfcheck.FORMS) * len(selfcheck.TOLERANCE) + 1  # and int8
    assert len(checks) % each == 0


ASK = """
import json, sys
import numpy as np, gruta
sys.path.insert(0, sys.argv[1])
from asked import asked
for path in sys.argv[2:]:
    name = path.rpartition("/")[2].removesuffix(".gruta").replace("-", " ")
    said = asked(name, gruta.load(path))
    print(json.dumps([name, said.tolist() if isinstance(said, np.ndarray) else said]))
"""


@pytest.mark.timeout(600)
def test_installed_wheel_asks_model_files_with_numpy_and_safetensors_alone(installed, tmp_path):
    site, python = installed
    beside(site, safetensors)
    (tmp_path / "asked.py").write_text(f"import numpy as np\n\n{inspect.getsource(asked)}")
    for left in Path(__file__).with_name("model_files").iterdir():
        files = sorted(left.glob("*.gruta"))
        command = [python, "-W", "error", "-c", ASK, tmp_path, *files]
        said = succeed(*command, cwd=tmp_path, env={"PATH": str(tmp_path)})
        expected = json.loads((left / "answers.json").read_text("utf-8"))
        found = dict(map(json.loads, said.splitlines()))
        assert found.keys() == expected.keys()
        for name, answer in found.items():
            if isinstance(answer[0], str) or name.startswith(("translate", "caption")):
                assert answer == expected[name]
            else:
                np.testing.assert_allclose(answer, expected[name], rtol=1e-5, atol=1e-5)


def test_installed_wheel_is_small_and_says_its_types(installed):
    site, _python = installed
    packages = [site / "gruta", Path(safetensors.__file__).parent]
    files = [file for package in packages for file in package.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files if file.suffix != ".pyc") < 15_000_000
    assert (site / "gruta" / "py.typed").is_file()


def test_self_check_says_where_a_kernel_is_wrong(monkeypatch, capsys):
    monkeypatch.setenv("GRUTA_ISA", kernels.isa())
    monkeypatch.setattr(selfcheck, "FORMS", selfcheck.FORMS[:1])
    assert selfcheck.main() == 0
    assert "WRONG" not in capsys.readouterr().out
    monkeypatch.setattr(kernels, "layer_backward", lambda *call: None)
    assert selfcheck.main() == 1
    assert f"{kernels.isa()} gru float32: WRONG" in capsys.readouterr().out
