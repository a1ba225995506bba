"""What ways out and in take in memory, and that a file's weights are read from where they lie."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from gruta.exchange import from_onnx, to_keras, to_onnx
from gruta.exchange.measure import MOST_MEMORY, main, memory
from gruta.exchange.onnx.outline import outline

SIZES = 1, 1024, 768  # a single layer is the hardest: none of it is let go before another


def test_a_model_comes_in_within_two_and_a_half_times_its_size(tmp_path):
    for sizes, folder in (((1, 3, 4), tmp_path / "small"), (SIZES, tmp_path)):
        folder.mkdir(exist_ok=True)
        module = torch.nn.GRU(*sizes[1:])
        to_onnx(module, folder / "model.onnx")
        to_keras(module, folder / "model.keras")
    for way in ("from_onnx", "from_keras"):
        assert 1 < memory(way, str(tmp_path), SIZES) < MOST_MEMORY, way


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [(["--help"], 0, "--tries"), (["--tries", "0"], 2, "1 or more"), (["plain"], 2, "nothing")],
)
def test_what_cannot_be_measured_is_refused_before_anything_is(asked, code, said, capsys):
    with pytest.raises(SystemExit) as ended:
        main(asked)
    assert ended.value.code == code
    assert said in "".join(capsys.readouterr())


@pytest.mark.parametrize("raw", [True, False], ids=["bytes", "numbers"])
def test_an_outline_is_small_and_its_weights_are_the_files(raw, tmp_path):
    module, path = torch.nn.GRU(40, 30), tmp_path / "model.onnx"
    to_onnx(module, path)
    if not raw:
        model = onnx.load(path)
        for one in model.graph.initializer:
            if one.data_type == TensorProto.FLOAT:
                numbers = onnx.numpy_helper.to_array(one)
                one.CopyFrom(helper.make_tensor(one.name, 1, one.dims, numbers.ravel()))
        onnx.save(model, path)
    assert len(outline(path)) < path.stat().st_size / 4
    (back,) = from_onnx(path).values()
    for name, weight in module.named_parameters():
        np.testing.assert_array_equal(getattr(back, name).detach(), weight.detach())
