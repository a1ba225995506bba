"""What the doctor says of Keras files and state dicts."""

from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save_file
from safetensors.torch import save_file as torch_file
from torch import nn
from torch.nn.utils import parametrizations, prune

from gruta.errors import InputError
from gruta.exchange.conftest import KINDS, drawn
from gruta.exchange.doctor import engines
from gruta.exchange.doctor.look import examine
from gruta.exchange.keras.write import write


def test_a_keras_file_is_told_with_who_runs_it(rng, tmp_path):
    path = tmp_path / "model.keras"
    both = drawn(rng, 3, 4, directions=(False, True), **KINDS["gru"])
    write([both, drawn(rng, 8, 4, **KINDS["gru-before"])], path)
    found = examine(path)
    first, second = found.layers
    assert (first.cell, first.inputs, first.hidden, first.direction) == (
        "gru",
        3,
        4,
        "bidirectional",
    )
    assert (first.reset, second.reset) == ("after", "before")
    assert not found.doubts
    rows = {row.engine: row for row in engines.table("keras", found.layers)}
    assert rows["TensorFlow.js"].verdict == "refused"
    assert rows["tf2onnx"].verdict == "right"
    fixed = replace(second, free_time=False)
    assert "reset_after=False" in engines.table("keras", [fixed])[1].why[0]


def test_a_state_dict_is_told_by_its_names_and_shapes(rng, tmp_path):
    path, H = tmp_path / "model.safetensors", 4
    arrays = {
        "encoder.weight_ih_l0": (3 * H, 3),
        "encoder.weight_hh_l0": (3 * H, H),
        "encoder.weight_ih_l0_reverse": (3 * H, 3),
        "encoder.weight_hh_l0_reverse": (3 * H, H),
        "decoder.weight_ih_l0": (4 * H, 8),
        "decoder.weight_hh_l0": (4 * H, H),
        "decoder.bias_ih_l0": (4 * H,),
        "head.weight": (2, H),
    }
    save_file({n: rng.normal(size=s).astype(np.float32) for n, s in arrays.items()}, path)
    found = examine(path)
    told = {
        layer.name: (layer.cell, layer.inputs, layer.direction, layer.bias)
        for layer in found.layers
    }
    assert told == {
        "decoder.l0": ("lstm", 8, "forward", True),
        "encoder.l0": ("gru", 3, "bidirectional", False),
    }
    missing, form = found.doubts
    assert "decoder.bias_hh_l0: expected the shape [16], found nothing" in missing
    assert "which reset form" in form
    assert not engines.table("safetensors", found.layers)


@pytest.mark.parametrize("name", ["model.safetensors", "model.keras", "model.onnx", "model.pt"])
def test_a_file_of_another_kind_is_refused_by_name(name, tmp_path):
    pytest.importorskip("onnx")
    path = tmp_path / name
    with pytest.raises(InputError, match="expected a file, found none"):
        examine(path)
    path.write_bytes(b"something else altogether")
    with pytest.raises(InputError, match=name):
        examine(path)


def kept(path, module):
    """A state dict in a file, and what is said of it."""
    torch_file({name: one.contiguous() for name, one in module.state_dict().items()}, path)
    return examine(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: parametrizations.weight_norm(m, "weight_hh_l0"),
        lambda m: parametrizations.spectral_norm(m, "weight_ih_l0_reverse"),
        lambda m: prune.l1_unstructured(m, "weight_hh_l0", 0.5),
    ],
    ids=["norm", "spectral", "pruned"],
)
def test_weights_that_are_made_as_a_layer_runs_are_known(change, tmp_path):
    module = nn.Sequential(change(nn.GRU(3, 4, bidirectional=True)))
    found = kept(tmp_path / "m.safetensors", module)
    (told,) = found.layers
    assert (told.name, told.cell, told.inputs, told.hidden) == ("0.l0", "gru", 3, 4)
    assert (told.direction, told.initial) == ("bidirectional", "untold")
    made, form = found.doubts
    assert "it is made of other tensors as the layer runs" in made
    assert "which reset form" in form


def test_a_cell_s_weights_are_known_and_numbers_without_axes_are_none(tmp_path):
    path = tmp_path / "m.safetensors"
    found = kept(path, nn.ModuleDict({"step": nn.LSTMCell(3, 4)}))
    (told,) = found.layers
    assert (told.name, told.cell, told.inputs, told.hidden) == ("step", "lstm", 3, 4)
    assert found.doubts == ["step: a cell is one step: feed it step by step, its state handed on"]
    save_file({n: np.zeros((), np.float32) for n in ("a.weight_ih_l0", "a.weight_hh_l0")}, path)
    assert examine(path).layers[0].refused
    odd = {"a.weight_ih_l0": np.zeros((), np.float32), "a.weight_hh_l0": np.zeros((4, 4), "f4")}
    save_file(odd, path)
    assert "a.weight_ih_l0: expected the shape [4, 0], found []" in examine(path).doubts
