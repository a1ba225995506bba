"""Who may import whom, seen from outside: what a fresh interpreter has loaded afterwards."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import gruta
import gruta.nn

HEAVY = {"torch", "accelerate", "polars", "pyarrow", "matplotlib", "utilsforecast", "safetensors"}


def loaded_by(program: str, *arguments: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after `program`."""
    report = "\nimport json, sys; print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    command = [sys.executable, "-c", program + report, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "module",
    [
        "gruta",
        "gruta.codec.series.calendar",
        "gruta.codec.scaler",
        "gruta.codec.series.features",
        "gruta.cells.gru",
        "gruta.cells.lstm",
        "gruta.cells.rnn",
        "gruta.cells.gru.reference",
        "gruta.cells.lstm.reference",
        "gruta.cells.rnn.reference",
        "gruta.kernels",
        "gruta.locale",
    ],
)
def test_import_loads_no_torch_and_nothing_else_that_is_heavy(module):
    assert not loaded_by(f"import {module}") & HEAVY


def test_formats_of_others_load_none_of_their_frameworks():
    frameworks = "onnx onnxruntime keras h5py tensorflow jax flax haiku equinox openvino paddle"
    others = "mindspore mlx tinygrad ncnn"
    loaded = loaded_by("import gruta.exchange")
    assert not loaded & (HEAVY | {*frameworks.split(), *others.split()})


def test_who_only_reads_a_run_loads_no_torch():
    assert "torch" not in loaded_by("import gruta.runs.lock, gruta.report.page")


def test_the_page_is_served_before_torch_is_loaded():
    assert "torch" not in loaded_by("import gruta.cli.lab, gruta.lab.server")


def test_models_are_served_by_what_their_extra_brings():
    loaded = loaded_by("import gruta.cli.serve, gruta.serve.server, gruta.tasks.models")
    assert not loaded & (HEAVY - {"safetensors"})
    assert not loaded_by("import gruta; gruta.load") & {"starlette", "uvicorn", "pydantic"}


@pytest.mark.parametrize("verb", ["predict", "evaluate", "explain"])
def test_a_trained_forecaster_is_asked_without_torch(verb):
    program = (
        "import sys, gruta\n"
        "forecaster = gruta.Forecaster.load(sys.argv[1])\n"
        f"forecaster.{verb}(sys.argv[2])"
    )
    left = Path(__file__).with_name("data") / "v0.1.0"
    assert "torch" not in loaded_by(program, str(left / "finished"), str(left / "series.csv"))


def test_the_tools_for_a_loop_of_ones_own_load_torch_and_numpy_alone():
    program = "import gruta; gruta.nn, gruta.Clipper, gruta.watch"
    loaded = loaded_by(program)
    assert "torch" in loaded
    assert not loaded & ((HEAVY - {"torch"}) | {"pydantic", "rich", "typer"})


def import_times(program: str) -> dict[str, int]:
    """The microseconds that each module took in a fresh interpreter."""
    command = [sys.executable, "-X", "importtime", "-c", program]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    found = re.findall(r"^import time: +(\d+) \| +\d+ \| +(\S+)", done.stderr, re.MULTILINE)
    return {name: int(time) for time, name in found}


def test_what_a_model_file_needs_is_imported_in_half_of_numpys_time():
    numpy, shares = import_times("import numpy").keys(), []
    for _run in range(5):  # in the same process, as another may have more beside it
        found = import_times("import numpy, gruta.runtime.model")
        finder = "_editable"  # of a development's install alone
        new = [t for n, t in found.items() if n not in numpy and not n.startswith(finder)]
        shares.append(sum(new) / sum(t for n, t in found.items() if n in numpy))
    assert min(shares) < 0.5
    assert not found.keys() & (HEAVY - {"safetensors"} | {"pydantic", "rich", "email", "tomllib"})


def test_help_loads_no_torch():
    program = (
        "import sys; from gruta.cli import main\n"
        "try: main()\nexcept SystemExit as end: assert not end.code"
    )
    assert not loaded_by(program, "--help") & (HEAVY | {"numpy"})


def test_public_names_are_these():
    assert gruta.__all__ == [
        "Captioner", "Classifier", "Clipper", "Forecaster", "InputError", "MusicGenerator",
        "Speaker", "TextGenerator", "Transcriber", "Translator", "Vocoder", "load", "loads", "nn",
        "watch", "xray",
    ]  # fmt: skip
    layers, cells = ["GRU", "LSTM", "RNN"], ["GRUCell", "LSTMCell", "RNNCell"]
    assert sorted(gruta.nn.__all__) == sorted(
        [
            *("CELLS", *layers, *cells, "Conversion", "Explanation", "Tap"),
            *("convert", "explain", "revert", "tapped"),
        ]
    )
    assert set(dir(gruta)) == {*gruta.__all__, "__version__"}
    for name in gruta.__all__:
        assert getattr(gruta, name) is not None
    with pytest.raises(AttributeError, match="module 'gruta' has no attribute 'Forecast'"):
        gruta.Forecast  # noqa: B018


@pytest.mark.parametrize(
    ("missing", "program", "extra", "status"),
    [
        ("torch", "import gruta; gruta.Forecaster().fit('file.csv')", "train", 1),
        ("torch", "import gruta; gruta.nn", "train", 1),
        ("typer", "from gruta.cli import main; main()", "cli", 2),
        ("polars", "from gruta.cli import main; main()", "train", 2),
    ],
)
def test_missing_package_names_the_extra_that_brings_it(missing, program, extra, status):
    block = f"import sys; sys.modules[{missing!r}] = None; sys.argv[0] = 'gruta'; "
    left = Path(__file__).with_name("data") / "v0.1.0"
    asked = ["evaluate", str(left / "finished"), str(left / "series.csv")]
    command = [sys.executable, "-c", block + program, *asked]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert f"{missing} is not installed: pip install 'gruta[{extra}]'" in done.stderr
    assert done.returncode == status
