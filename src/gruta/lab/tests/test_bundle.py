"""What the page is given computes what the network does, of every task and of torch.nn alone."""

import base64
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import gruta
from gruta.errors import InputError
from gruta.lab import fixtures
from gruta.lab.bundle import Bundle
from gruta.lab.opened import bundle_of, read
from gruta.lab.walk import outputs, walk
from gruta.nn.stack import Recurrent
from gruta.runs import MODEL
from gruta.settings import resolve
from gruta.tasks import registry
from gruta.tasks.fitting import fit
from gruta.tasks.test_tasks import EXAMPLES

FIXTURES = Path(gruta.__file__).parents[2] / "lab" / "web" / "tests" / "fixtures"


@pytest.fixture(params=EXAMPLES)
def example(request, files):
    """A run of each task, and the file that it was trained on."""
    trained, source, _path = files[request.param]
    return source.parent / "run", source, trained


def seen(trained, source):
    """What the first recurrent module reads and says in the task's own look, and the last one."""
    calls = []

    def note(module, args, result):
        calls.append((args[0][:, 0] if args[0].dim() == 3 else args[0], result[0]))

    look = trained.task.look(trained, source)
    layers = [m for m in look.model.modules() if isinstance(m, Recurrent)]
    hooks = [layer.register_forward_hook(note) for layer in layers]
    with torch.no_grad():
        look.model(*look.inputs)
    for hook in hooks:
        hook.remove()
    return calls


def test_its_layers_are_those_of_the_network(example):
    _run, source, trained = example
    portrait = trained.task.portrait(trained, source)
    (x, _), *_rest = calls = seen(trained, source)
    if trained.task.name == "forecast":  # batch first, and the decoder's own layer behind
        layer = trained.network.encoder
        x = torch.from_numpy(portrait.samples[0].x)
        expected = layer(x[None])[0][0]
    elif trained.task.name == "generate":  # a module a layer
        expected = calls[trained.settings.layers - 1][1][:, 0]
    else:
        expected = calls[0][1][:, 0]
    traces = walk(portrait, x.numpy())
    sides = 2 if portrait.layers[-1].reverse else 1
    found = np.concatenate([trace["h"] for trace in traces[-sides:]], -1)
    np.testing.assert_allclose(found, expected.detach().numpy(), rtol=1e-5, atol=1e-5)


def test_a_bundle_has_samples_in_both_languages_and_weights_to_the_bit(example):
    run, source, trained = example
    content = json.loads(json.dumps(bundle_of(run).to_json(), allow_nan=False))
    assert content["samples"]
    for sample in content["samples"]:
        assert set(sample["title"]) == {"en", "pt"}
        assert len(sample["labels"]) == len(sample.get("units", ())) or sample["x"]["shape"][0]
    first, own = content["layers"][0], trained.task.portrait(trained, source).layers[0]
    assert base64.b64decode(first["wHh"]["data"]) == own.w_hh.astype("<f4").tobytes()
    assert content["metrics"]


def test_what_a_language_model_writes_next_is_read_off_the_page_as_off_the_head(tmp_path):
    name, content, given, _ = EXAMPLES["generate"]
    task, source = registry.task(name), tmp_path / "data.txt"
    source.write_text(content)
    trained = fit(task, source, resolve(task.settings, given), tmp_path / "run").trained
    portrait = read(tmp_path / "run", "casa")
    units, _labels = portrait.vocabulary.read("casa")
    h = walk(portrait, portrait.embedding[units])[-1]["h"]
    expected = trained.head(units[:, None])[:, 0]
    np.testing.assert_allclose(outputs(portrait, h), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="the page's sources are not here")
@pytest.mark.parametrize("layers", fixtures.LAYERS)
@pytest.mark.parametrize("name", fixtures.CASES)
def test_the_fixtures_of_the_page_are_what_the_references_compute_now(name, layers):
    kept = json.loads((FIXTURES / f"{name}-{layers}.json").read_text())
    found = json.loads(json.dumps(fixtures.fixture(name, layers)))
    assert kept["bundle"] == found["bundle"]
    kept, found = map(numbers, (kept, found))
    np.testing.assert_allclose(kept, found, rtol=1e-9, atol=1e-12)


def numbers(found):
    """All that a fixture's arrays hold, in order."""
    if isinstance(found, dict):
        return [x for key in sorted(found) for x in numbers(found[key])]
    if isinstance(found, list):
        return [x for one in found for x in numbers(one)]
    return [found] if isinstance(found, int | float) else []


def test_the_fixtures_are_what_the_kernels_compute():
    for name in fixtures.CASES:
        found = fixtures.fixture(name, 2)
        case = fixtures.portrait(name, 2)
        x = np.array(found["x"]["values"], np.float32).reshape(found["x"]["shape"])
        for trace, expected in zip(walk(case, x), found["layers"], strict=True):
            for letter, values in expected.items():
                np.testing.assert_allclose(trace[letter].ravel(), values["values"], atol=1e-5)


@pytest.mark.parametrize("kind", [torch.nn.GRU, torch.nn.LSTM, torch.nn.RNN])
def test_a_state_dict_of_torch_nn_opens_by_its_description(kind, tmp_path):
    torch.manual_seed(0)
    model = torch.nn.ModuleDict(
        {"enc": kind(4, 6, 2, bidirectional=True), "fc": torch.nn.Linear(12, 3)}
    )
    save_file(model.state_dict(), tmp_path / "m.safetensors")
    (tmp_path / "m.json").write_text('{"layers": "enc", "output": "fc"}')
    bundle = bundle_of(tmp_path / "m.safetensors")
    x = torch.randn(9, 4)
    with torch.no_grad():
        h, _ = model["enc"](x[:, None])
    traces = walk(bundle.portrait, x.numpy())
    found = np.concatenate([traces[-2]["h"], traces[-1]["h"]], -1)
    np.testing.assert_allclose(found, h[:, 0].numpy(), rtol=1e-5, atol=1e-5)
    assert outputs(bundle.portrait, found).shape == (9, 3)


def test_a_state_dict_may_be_in_sixteen_bits_and_hold_what_is_of_no_recurrent_layer(tmp_path):
    torch.manual_seed(0)
    own = {f"net.rnn.{name}": w for name, w in torch.nn.GRU(4, 6).state_dict().items()}
    others = {
        "seen": torch.tensor(3),
        "mask": torch.full((2, 2), -torch.inf),
        "small": torch.ones(2).to(torch.float8_e4m3fn),
        "half": torch.ones(2, dtype=torch.bfloat16),
    }
    save_file({n: w.bfloat16() for n, w in own.items()} | others, tmp_path / "m.safetensors")
    layer = bundle_of(tmp_path / "m.safetensors").portrait.layers[0]
    expected = own["net.rnn.weight_hh_l0"].bfloat16().float().numpy()
    np.testing.assert_array_equal(layer.w_hh, expected)


@pytest.mark.parametrize(
    ("weights", "about", "message"),
    [
        ({"fc.weight": torch.ones(2, 2)}, "{}", r"expected weights weight_ih_l0.*found fc\.weight"),
        ({"weight_ih_l0": torch.ones(9, 2)}, "{}", "expected weights weight_ih_l0"),
        (
            {"weight_ih_l0": torch.ones(9, 2), "weight_hh_l0": torch.ones(9, 3)},
            '{"cell": "lstm"}',
            "shapes do not go together as those of a LSTM of 3",
        ),
        (
            {"weight_ih_l0": torch.ones(9, 2), "weight_hh_l0": torch.ones(9, 3)},
            '{"embedding": "e"}',
            "embedding: no weight e, but weight_hh_l0, weight_ih_l0",
        ),
        (
            {"weight_ih_l0": torch.ones(9, 2), "weight_hh_l0": torch.full((9, 3), torch.nan)},
            "{}",
            "weight_hh_l0: not all of its numbers are finite",
        ),
        (
            {
                "weight_ih_l0": torch.ones(9, 2),
                "weight_hh_l0": torch.ones(9, 3),
                "bias_ih_l0": torch.ones(9).to(torch.float8_e4m3fn),
            },
            "{}",
            "bias_ih_l0: expected numbers in F64, F32, F16, BF16, got F8_E4M3; save it as F32",
        ),
        ({"a": torch.ones(1)}, '{"sell": "gru"}', r"m\.json: sell: "),
    ],
)
def test_a_state_dict_that_does_not_fit_is_told_apart(weights, about, message, tmp_path):
    save_file(weights, tmp_path / "m.safetensors")
    (tmp_path / "m.json").write_text(about)
    with pytest.raises(InputError, match=message):
        bundle_of(tmp_path / "m.safetensors")


def test_a_broken_run_and_an_enormous_one_are_refused_before_they_are_read(example, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(example[0], run)
    (run / MODEL).write_bytes(b"no tensors")
    with pytest.raises(InputError, match="not a whole safetensors file"):
        bundle_of(run)
    with open(run / MODEL, "r+b") as file:
        file.truncate(2**40)  # no disk has it: a file of holes
    with pytest.raises(InputError, match="bytes are too many for the page"):
        bundle_of(run)


def test_a_long_sequence_of_a_wide_network_is_refused_before_it_is_computed(monkeypatch):
    portrait = fixtures.portrait("gru-after", 1)
    monkeypatch.setattr("gruta.lab.walk.MOST", 1000)
    with pytest.raises(InputError, match="100,000 steps of a network of 5 units are too many"):
        walk(portrait, np.broadcast_to(np.zeros(3, np.float32), (100_000, 3)))


def test_wide_networks_leave_their_weights_with_the_server(monkeypatch):
    monkeypatch.setattr("gruta.lab.bundle.WIDEST", 4)
    content = Bundle("wide", "layers", fixtures.portrait("lstm", 1)).to_json()
    assert content["remote"]
    assert content["longest"] == 2**24 // (6 * 5 + 5)
    assert content["layers"][0]["wIh"] == {"shape": [20, 3], "data": None}


@pytest.mark.parametrize("most", [1, 40, 2**18])
def test_outputs_are_what_the_linear_layer_says_in_pieces_of_any_size(most, monkeypatch):
    portrait = fixtures.portrait("gru-after", 1)
    monkeypatch.setattr("gruta.lab.walk._ALONE", most)
    h = np.random.default_rng(0).standard_normal((7, 5), np.float32)
    expected = h @ portrait.output.weight.T + portrait.output.bias
    np.testing.assert_allclose(outputs(portrait, h), expected, rtol=1e-5, atol=1e-6)
    assert outputs(portrait, h[:0]).shape == (0, len(expected[0]))


def test_the_layer_of_a_large_vocabulary_is_computed_row_by_row(monkeypatch):
    portrait, seen = fixtures.portrait("gru-after", 1), []
    monkeypatch.setattr("gruta.lab.walk._ALONE", portrait.output.weight.size - 1)
    monkeypatch.setattr(np, "matmul", lambda one, other, out: seen.append(one.shape))
    outputs(portrait, np.zeros((3, 5), np.float32))
    assert seen == [(1, 5)] * 3
