"""Modules go to ONNX files and come back, and a wrong file is never written."""

import onnx
import pytest
import torch
from torch import nn

import gruta.nn
from gruta.errors import InputError
from gruta.exchange import doors, from_keras, from_onnx, proof_of, to_keras, to_onnx
from gruta.exchange.onnx import run as onnx_run


@pytest.mark.parametrize("lengths", [False, True])
@pytest.mark.parametrize(
    "module",
    [
        nn.GRU(3, 4, num_layers=2, bidirectional=True, batch_first=True),
        gruta.nn.GRU(3, 4, reset_after=False),
        nn.LSTM(3, 4, bidirectional=True),
        nn.RNN(3, 4, nonlinearity="relu"),
    ],
    ids=["gru", "gru-before", "lstm", "rnn"],
)
def test_a_module_goes_out_with_its_proof(module, lengths, tmp_path):
    path = tmp_path / "module.onnx"
    assert to_onnx(module, path, lengths=lengths).error < 1e-5
    if lengths and isinstance(module, nn.LSTM):
        return  # its node has an input more, which holds the gates
    back = list(from_onnx(path).values())
    assert len(back) == module.num_layers * (1 + lengths * module.bidirectional)
    if module.num_layers == 1:
        x = torch.randn(5, 2, 3)
        torch.testing.assert_close(back[0].double()(x.double())[0], module.double()(x.double())[0])
        module.float()


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_what_is_read_is_held_to_the_standards_equations(cell, tmp_path, monkeypatch):
    path, module = tmp_path / "module.onnx", {"gru": nn.GRU, "lstm": nn.LSTM}[cell](3, 4)
    to_onnx(module, path)
    (back,) = from_onnx(path).values()
    assert 0 < proof_of(back).error < 1e-5
    with pytest.raises(KeyError, match="no module that from_onnx"):
        proof_of(module)
    turned = tuple(reversed(onnx_run.ORDER[cell]))
    monkeypatch.setattr(onnx_run, "ORDER", {**onnx_run.ORDER, cell: turned})
    with pytest.raises(InputError, match="the two sides differ by"):
        from_onnx(path)


def test_sizes_are_fixed_where_that_is_asked_for_and_the_second_file_is_the_first(tmp_path):
    module, paths = nn.GRU(3, 4, batch_first=True), [tmp_path / "a.onnx", tmp_path / "b.onnx"]
    for path in paths:
        assert to_onnx(module, path, lengths=True, sizes=(7, 2)).sizes == [(7, 2)]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    given = onnx.load(paths[0]).graph.input
    shapes = {one.name: [d.dim_value for d in one.type.tensor_type.shape.dim] for one in given}
    assert shapes == {"x": [2, 7, 3], "h_0": [1, 2, 4], "lengths": [2]}
    with pytest.raises(InputError, match=r"expected T and B, each 1 or more, got \(7, 0\)"):
        to_onnx(module, tmp_path / "c.onnx", sizes=(7, 0))
    assert not (tmp_path / "c.onnx").exists()


def test_nothing_is_written_where_the_two_sides_differ(tmp_path, monkeypatch):
    path = tmp_path / "module.onnx"
    right = doors.engine

    def twice(made):
        run, name = right(made)
        return lambda given: [2 * one for one in run(given)], name

    monkeypatch.setattr(doors, "engine", twice)
    with pytest.raises(InputError, match="the two sides differ by"):
        to_onnx(nn.GRU(3, 4), path)
    assert not path.exists()


@pytest.mark.parametrize(
    "module",
    [nn.GRU(3, 4, bidirectional=True), gruta.nn.GRU(3, 4, reset_after=False), nn.LSTM(3, 4)],
    ids=["gru", "gru-before", "lstm"],
)
def test_a_module_goes_to_keras_and_comes_back(module, tmp_path):
    path, x = tmp_path / "module.keras", torch.randn(2, 5, 3)
    assert to_keras(module, path).error < 1e-5
    (back,) = from_keras(path).values()
    wanted = module(x.swapaxes(0, 1))[0].swapaxes(0, 1)
    torch.testing.assert_close(back(x)[0], wanted)
