"""What an outline leaves on the disk is read from there, to the bit, and never beyond the file."""

import numpy as np
import pytest
from onnx import TensorProto

from gruta import nn
from gruta.exchange.doors import to_onnx
from gruta.exchange.onnx.outline import kept, outline
from gruta.exchange.onnx.read import load, nodes


def test_weights_that_stay_on_the_disk_are_those_of_the_whole_file(tmp_path):
    path = tmp_path / "gru.onnx"
    to_onnx(nn.GRU(5, 33, num_layers=2, bidirectional=True), path)
    assert 4 * len(outline(path)) < path.stat().st_size
    lone, whole = (list(nodes(load(path, whole=way), path)) for way in (False, True))
    for a, b in zip(lone, whole, strict=True):
        for name in b.constants:
            np.testing.assert_array_equal(a.constants[name], b.constants[name])


def test_weights_that_a_file_does_not_hold_are_refused_before_memory_is_taken(tmp_path):
    path = tmp_path / "short.onnx"
    path.write_bytes(bytes(64))
    for offset, length in ((0, 2**50), (2**50, 8), (-8, 8)):
        tensor = TensorProto(data_type=TensorProto.FLOAT, dims=[length // 4])
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("offset", offset), ("length", length)):
            tensor.external_data.add(key=key, value=str(value))
        with pytest.raises(ValueError, match=str(length)):
            kept(tensor, path)
