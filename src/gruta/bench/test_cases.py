"""What the table counts, and whom the options choose."""

import pytest

from gruta.bench import limits
from gruta.bench.cases import CASES, OF_RUNTIME, REGIMES, Case
from gruta.bench.limits import ARITHMETIC, L2, L3
from gruta.bench.select import RIVALS, select, select_of_runtime, thread_counts
from gruta.cells import CELLS
from gruta.errors import InputError

MEGABYTE = 1 << 20


@pytest.mark.parametrize(
    ("case", "flops"),
    [
        (Case("gru", "step", 1, 1, 40, 64), 6 * 64 * 104),
        (Case("lstm", "sequence", 100, 1, 40, 64), 100 * 8 * 64 * 104),
        (Case("rnn", "inference", 90, 256, 5, 256), 90 * 256 * 2 * 256 * 261),
        (Case("gru", "training-one", 10, 1, 40, 64), 3 * 10 * 6 * 64 * 104),
        (Case("rnn", "training", 10, 32, 40, 64), 3 * 10 * 32 * 2 * 64 * 104),
    ],
)
def test_flops_are_those_counted_by_hand(case, flops):
    assert case.flops == flops


def test_keys_tell_cases_apart_and_quick_ones_show_everything():
    assert len({case.key for case in CASES}) == len(CASES)
    quick = [case for case in CASES if case.quick]
    assert {case.cell for case in quick} == set(CELLS)
    assert {case.regime for case in quick} == set(REGIMES)


@pytest.mark.parametrize(
    ("case", "threads", "kind"),
    [
        (Case("gru", "sequence", 100, 1, 128, 256), 1, L2),  # W_hh is 3/4 of a megabyte
        (Case("gru", "step", 1, 1, 128, 256), 1, L3),  # W_ih is read every step too
        (Case("gru", "step", 1, 1, 128, 256), 2, L2),
        (Case("gru", "half", 100, 1, 256, 512), 1, L3),
        (Case("gru", "sequence", 100, 2, 256, 512), 2, L3),
        (Case("gru", "inference", 100, 3, 256, 512), 1, ARITHMETIC),
    ],
)
def test_a_limit_is_of_the_kind_that_the_weights_ask_for(case, threads, kind):
    assert limits.kind(case, threads, MEGABYTE) == kind


def test_weights_that_each_step_reads_come_at_the_rate_of_the_cache():
    of = limits.gflops
    assert of(Case("gru", "step", 1, 1, 9, 9), L2, 100e9, 1e30) == pytest.approx(50)
    assert of(Case("gru", "inference", 9, 8, 9, 9), ARITHMETIC, 100e9, 1e30) == 100
    # Half of the products are with the state: 50 GFLOP/s for them, 200 for the others.
    mixed = pytest.approx(2 / (1 / 50 + 1 / 200))
    assert of(Case("gru", "sequence", 9, 1, 9, 9), L2, 100e9, 200e9) == mixed
    # In 16 bits twice as many weights a second.
    mixed = pytest.approx(2 / (1 / 100 + 1 / 200))
    assert of(Case("gru", "half", 9, 1, 9, 9), L2, 100e9, 200e9) == mixed
    # Of six products in training, the one forward and the one back with W_hh are streamed.
    mixed = pytest.approx(6 / (2 / 50 + 4 / 200))
    assert of(Case("gru", "training-one", 9, 1, 9, 9), L2, 100e9, 200e9) == mixed


def test_names_of_a_kind_add_up_and_kinds_narrow_down():
    cases, rivals = select(["gru,lstm", "step", "H=64", "jax"], quick=False)
    assert [case.key for case in cases] == ["gru-step-T1-B1-I40-H64", "lstm-step-T1-B1-I40-H64"]
    assert rivals == ["gruta", "jax"]
    assert select([], quick=False) == (list(CASES), ["gruta", *RIVALS])
    assert all(case.quick for case in select(["training"], quick=True)[0])


def test_of_the_runtime_regimes_and_sizes_are_named():
    found = select_of_runtime("lstm", ["step,row", "H=64,H=512"])
    assert [case.key for case in found] == [
        "lstm-step-T1-B1-I40-H64",
        "lstm-step-T1-B1-I256-H512",
        "lstm-row-T100-B1-I40-H64",
        "lstm-row-T100-B1-I256-H512",
    ]
    assert select_of_runtime("gru", []) == [case for case in OF_RUNTIME if case.cell == "gru"]
    with pytest.raises(InputError, match="only: expected some of step, row, stack, or a size"):
        select_of_runtime("gru", ["training"])
    with pytest.raises(InputError, match="only: no case is all of H=65,gru"):
        select_of_runtime("gru", ["H=65"])


@pytest.mark.parametrize(
    ("only", "message"),
    [
        ("gur", "only: expected some of gru, lstm, rnn, step"),
        ("H=", "only: expected some of .* got 'H='"),
        ("gru,H=65", "only: no case is all of gru,H=65"),
    ],
)
def test_names_that_mean_nothing_are_refused(only, message):
    with pytest.raises(InputError, match=message):
        select([only], quick=False)


def test_threads_above_the_cores_are_left_out(monkeypatch):
    monkeypatch.setattr("gruta.bench.select.cores", lambda: 2)
    assert thread_counts("1,2,4, 2") == [1, 2]
    with pytest.raises(
        InputError, match="threads: expected at most 2, the cores of this machine, got '3'"
    ):
        thread_counts("3")
    for text in ("", "0", "1,", "one", "-1"):
        with pytest.raises(InputError, match=f"threads: expected numbers .* got {text!r}"):
            thread_counts(text)
