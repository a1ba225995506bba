"""Steps are timed one by one, and nobody is timed whose results are not the reference's."""

import numpy as np
import pytest

from gruta.bench import streams
from gruta.bench.cases import CASES, OF_RUNTIME
from gruta.bench.inputs import draw
from gruta.bench.parity import truth
from gruta.bench.process import WorkerError
from gruta.bench.rivals import GRUTA, OF_STREAMS, QUANTISED, STREAM, missing_packages

CASE = next(case for case in CASES if (case.cell, case.regime, case.H) == ("lstm", "step", 64))


class Here:
    """A worker in this process."""

    def __init__(self, name, off=1.0):
        self._stepper, self._off = streams.Stepper(name, 1), off

    def ask(self, do, **fields):
        try:
            answer = getattr(self._stepper, do)(**fields)
        except Exception as error:
            raise WorkerError(str(error)) from error
        if do == "prepare":
            path = answer["files"]["h"]
            np.save(path, np.load(path) * self._off)
        return answer


@pytest.mark.parametrize("name", [STREAM, GRUTA, "onnxruntime"])
def test_each_step_is_timed_and_all_compute_the_same(name, tmp_path):
    if missing_packages(name):
        pytest.skip(f"{name} is not installed")
    found = list(streams._case(CASE, {name: Here(name)}, 200, 3, str(tmp_path)))
    assert [one.variant for one in found] == ["float32", QUANTISED]
    for one in found:
        assert 0 < one.p50 <= one.p95 <= one.p99
        assert one.p50 * 0.2 < one.mean
        assert one.steps == 200
        assert one.streams == int(0.01 / one.mean)
        assert one.error < (0.1 if one.variant == QUANTISED else 1e-6)
        assert one.state >= 2 * 4 * 64
        assert str(one).startswith("LSTM H64 T1 L1 D1 ")


SEQUENCES = [case for case in OF_RUNTIME if case.T > 1 and case.H == 64]


@pytest.mark.parametrize("case", SEQUENCES, ids=lambda case: case.key)
@pytest.mark.parametrize("name", [GRUTA, "torch", "onnxruntime", "openvino"])
def test_a_step_of_a_sequence_is_a_share_of_its_call(name, case, tmp_path):
    if missing_packages(name):
        pytest.skip(f"{name} is not installed")
    for one in streams._case(case, {name: Here(name)}, 3000, 3, str(tmp_path)):
        assert (one.T, one.steps, one.streams) == (100, 3000, None)
        assert 0 < one.p50 < 1e-3
        assert one.error < (0.1 if one.variant == QUANTISED else 1e-6)
        assert str(one).startswith(f"{case.cell.upper()} H64 T100 L{case.layers} D")


def test_who_is_off_gets_no_time(tmp_path):
    found, _small = streams._case(CASE, {GRUTA: Here(GRUTA, 1.001)}, 200, 3, str(tmp_path))
    assert (found.p50, found.streams, found.steps) == (None, None, 0)
    assert found.note == "its results are not those of the reference"
    assert found.error == pytest.approx(1e-3, rel=0.01)


def test_those_who_take_part_have_a_home():
    assert set(OF_STREAMS) == {STREAM, GRUTA, "torch", "onnxruntime", "openvino"}
    assert truth(CASE, draw(CASE, 1))["h"].shape == (64, 1, 64)
