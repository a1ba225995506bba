"""Everyone computes what the reference does; whoever does not gets no time."""

import numpy as np
import pytest

from gruta.bench.cases import CASES, Case
from gruta.bench.inputs import draw
from gruta.bench.parity import compare, truth
from gruta.bench.process import WorkerError, processes
from gruta.bench.rivals import ENTRIES, load, missing_packages, storage
from gruta.bench.worker import LIMITS
from gruta.cells import CELLS

SHAPES = {"step": (1, 1), "sequence": (5, 1), "half": (5, 1), "training": (5, 2)}


@pytest.mark.parametrize("regime", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("name", ENTRIES)
@pytest.mark.filterwarnings("default")  # what the rivals warn of is theirs
def test_everyone_computes_what_the_reference_does(name, cell, regime):
    if missing_packages(name):
        pytest.skip(f"{name} is not installed")
    case = Case(cell, regime, *SHAPES[regime], 3, 16)
    inputs, rival = draw(case, 7), load(name, 1)
    for variant in rival.variants(case, slow=False):
        job = rival.prepare(case, inputs, variant)
        job.call()  # a stream has moved on: results start from the first state all the same
        parity = compare(case, job.results(), truth(case, inputs), storage(variant))
        assert parity.passed, (variant, parity)


def spoilt(found, name):
    return found | {name: found[name] * (1 + 1e-4)}


@pytest.mark.parametrize(
    ("spoil", "worst"),
    [
        (lambda found: spoilt(found, "h"), "h"),
        (lambda found: spoilt(found, "d_b_hh"), "d_b_hh"),
        (lambda found: found | {"d_x": found["d_x"] * np.nan}, "d_x"),
        (lambda found: found | {"h_n": found["h_n"][:, :-1]}, "h_n"),
        (lambda found: {k: v for k, v in found.items() if k != "d_x"}, "d_x"),
    ],
)
def test_results_that_are_off_fail_by_name(spoil, worst):
    case = Case("gru", "training", 4, 3, 2, 5)
    true = truth(case, draw(case, 1))
    assert compare(case, true, true, "float32").passed
    parity = compare(case, spoil(true), true, "float32")
    assert (parity.passed, parity.worst) == (False, worst)


def test_inputs_are_those_of_the_seed_and_the_case():
    one, other = CASES[0], CASES[1]
    assert np.array_equal(draw(one, 1).x, draw(one, 1).x)
    assert draw(one, 1).x.std() > 0.9
    assert not np.array_equal(draw(one, 1).h_0, draw(one, 2).h_0)
    assert not np.array_equal(draw(one, 1).h_0, draw(other, 1).h_0[:, :64])


def test_a_worker_that_ends_is_named_and_started_again(tmp_path):
    with processes([LIMITS], 1, tmp_path) as team:
        process = team[LIMITS]
        with pytest.raises(WorkerError, match=r"KeyError: .none."):
            process.ask("truth", case="none", seed=1, directory=str(tmp_path))
        process._process.kill()
        with pytest.raises(
            WorkerError, match=r"the process ended with status -9, see .*limits.log"
        ):
            process.ask("limit", kind="FMA", seconds=1e-3, streamed=0)
        process.revive()
        assert process.ask("limit", kind="FMA", seconds=1e-3, streamed=0)["rate"] > 0
