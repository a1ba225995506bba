"""A model file of every task answers as the run does, where there is nothing but NumPy."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl
import pytest
import torch

import gruta
from gruta.errors import InputError
from gruta.runtime.weights import KINDS, as_stored, float32
from gruta.tasks import registry
from gruta.tasks.exporting import export
from gruta.tasks.test_tasks import EXAMPLES


@pytest.fixture(params=EXAMPLES)
def example(request, files):
    return request.param, *files[request.param]


def asked(name, model):
    """What a model of each example says of something, as an array or texts."""
    rng = np.random.default_rng(1)
    match name:
        case "forecast":
            y = 20 + np.sin(np.arange(240) * np.pi / 12) + rng.normal(size=240) / 9
            return model(y, start="2024-01-01").quantiles
        case "classify texts":
            return model(["bom dia", "good day", "x"]).probabilities
        case "classify series":
            return model([rng.normal(size=(n, 2)) for n in (9, 4)]).probabilities
        case "generate":
            return model("a casa", length=30, count=2, top_k=5, seed=4)
        case "generate notes":
            return model([[60, 64], [60]], length=8, seed=4)[0].sounding
        case "transcribe features":
            return model([rng.normal(size=(n, len(model.codec.names))) for n in (40, 25)])
        case "transcribe sounds":
            at = np.arange(4000) / model.rate
            return model([np.sin(900 * at * (1 + at)) / 2, rng.normal(size=999) / 9])
        case "caption pictures" | "caption clips":
            shape = (model.size, model.size, 3)
            given = [rng.integers(0, 256, (*f, *shape), np.uint8) for f in ((), (3,))]
            return [[one.text for one in own] for own in model.nbest(given, language="", best=2)]
        case "speak phonemes":
            return model.spectrum("a bee, cab", seed=3)
        case "speak":
            found = model("a bee", seed=3)
            return np.append(found.samples, found.rate)
        case "vocode":
            return np.concatenate(model([rng.normal(-9, 2, (n, 16)) for n in (9, 4)], seed=2))
        case _:
            return [[one.text for one in own] for own in model.nbest(["a casa", "xyz"], best=3)]


def test_its_head_computes_what_the_network_does(example):
    _name, trained, source, path = example
    look = trained.task.look(trained, source)
    with torch.no_grad():
        network = look.model(*look.inputs)
    expected = (network[0] if isinstance(network, tuple) else network).numpy()
    found = gruta.load(path).head(look.arrays)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_it_answers_as_the_run_does(files):
    trained, source, path = files["forecast"]
    table, model = pl.read_csv(source, try_parse_dates=True), gruta.load(path)
    answer = trained.task.answer(trained, source)
    found = model(table["y"].to_list(), start=table["ds"][0])
    assert answer["ds"].to_list() == found.times.tolist()
    np.testing.assert_allclose(answer[["q10", "q50", "q90"]].to_numpy(), found.quantiles)

    for name in ("classify texts", "classify series"):
        trained, source, path = files[name]
        answer = trained.task.answer(trained, source)
        cases = trained.task.open(source, trained.settings).cases
        found = gruta.load(path)(cases)
        assert answer["label"].to_list() == found.labels
        np.testing.assert_allclose(answer["certainty"].to_numpy(), found.probabilities.max(1))

    for name in ("translate texts", "translate words"):
        trained, source, path = files[name]
        texts = trained.task.open(source, trained.settings).sources[:9]
        answer = trained.task.answer(trained, list(texts))
        assert answer["translation"].to_list() == gruta.load(path)(list(texts))

    trained, _source, path = files["generate"]
    how = {"length": 40, "seed": 3, "temperature": 1.2}
    made = trained.task.make(trained, prompt="a casa", **how)
    assert made.texts() == gruta.load(path)("a casa", **how)
    trained, _source, path = files["generate notes"]
    (made,) = trained.task.make(trained, **how).rolls()
    np.testing.assert_array_equal(made.sounding, gruta.load(path)(**how)[0].sounding)


@pytest.mark.parametrize("weights", KINDS)
def test_weights_of_every_kind_come_near(files, weights, tmp_path):
    sizes, worst = {}, {"float32": 0, "float16": 2e-3, "bfloat16": 2e-2, "int8": 2e-2}[weights]
    for name, (trained, _source, path) in files.items():
        kept = gruta.load(path)
        sizes[name] = export(trained, tmp_path / "small.gruta", weights)
        small = gruta.load(tmp_path / "small.gruta")
        assert small.stored == weights
        assert sizes[name] == (tmp_path / "small.gruta").stat().st_size
        if name.startswith("classify"):
            np.testing.assert_allclose(asked(name, small), asked(name, kept), atol=worst)
    trained, _source, path = files["generate notes"]  # most of it matrices
    assert sizes["generate notes"] < path.stat().st_size * (1.1 if worst == 0 else 0.7)


PROGRAM = """
import json, sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        known = {"numpy", "safetensors", "gruta", "asked"} | sys.stdlib_module_names
        if top not in known and not top.startswith(("_sysconfigdata", "__editable__")):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Nothing())
sys.path.insert(0, sys.argv[1])
import numpy as np, gruta
from asked import asked
found = {}
for name, path in json.loads(sys.argv[2]).items():
    said = asked(name, gruta.load(path))
    found[name] = said.tolist() if isinstance(said, np.ndarray) else said
print(json.dumps(found))
"""


def test_every_model_answers_where_there_is_nothing_but_numpy_and_safetensors(files, tmp_path):
    import inspect

    (tmp_path / "asked.py").write_text(f"import numpy as np\n\n{inspect.getsource(asked)}")
    paths = {name: str(path) for name, (_trained, _source, path) in files.items()}
    command = [sys.executable, "-W", "error", "-c", PROGRAM, tmp_path, json.dumps(paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    for name, said in json.loads(done.stdout).items():
        expected = asked(name, gruta.load(paths[name]))
        if isinstance(expected, np.ndarray):
            np.testing.assert_allclose(said, expected, rtol=1e-6, atol=1e-6)
        else:
            assert said == expected


def test_threads_may_ask_one_model_at_once(example):
    name, _trained, _source, path = example
    model = gruta.load(path)
    expected = asked(name, model)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _i: asked(name, model), range(8)):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_the_child_of_a_fork_may_ask_a_model_that_was_asked_before(example):
    name, _trained, _source, path = example
    model = gruta.load(path)
    expected = asked(name, model)
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(asked(name, model), expected) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_file_of_a_run_holds_nothing_of_its_training(example):
    _name, _trained, source, path = example
    content = path.read_bytes()
    assert str(source.parent).encode() not in content
    assert b"learning_rate" not in content


def test_a_translator_has_no_stream_and_says_so(files):
    with pytest.raises(InputError, match="task translate answers when it has read the whole"):
        gruta.load(files["translate texts"][2]).stream()


def test_every_task_says_what_its_model_files_hold():
    from gruta.tasks.models import door_of

    for name in registry.HOMES:
        assert door_of(name).architecture is not None


def test_bfloat16_is_rounded_as_torch_rounds_it():
    drawn = np.random.default_rng(0)
    weight = np.concatenate([drawn.normal(size=999), [0.0, -0.0, 1e-40, 3e38]]).astype("f")[None]
    found = float32(as_stored({"w": weight}, "bfloat16"))["w"]
    expected = torch.from_numpy(weight).bfloat16().float().numpy()
    np.testing.assert_array_equal(found.view(np.uint32), expected.view(np.uint32))
